// SPDX-License-Identifier: GPL-2.0-or-later
// Text of a superblock, field by field; it may hold any bytes.
#include <algorithm>

#include "core/base/checksum.h"
#include "core/base/shown_name.h"
#include "core/ondisk/chunk_view.h"
#include "core/ondisk/text_parts.h"
#include "core/ondisk/to_text.h"

namespace butterfuse {

namespace {

template <class Value>
void add_field(std::string& text, std::string_view name, const Value& value) {
  // Values stand in the third tab column, or behind a longer name.
  const size_t tabs = name.size() < 8 ? 3 : name.size() < 16 ? 2 : 1;
  add_line(text, "{}{}{}", name, std::string(tabs, '\t'), value);
}

std::string quoted_bytes(const char* bytes, size_t size) {
  return shown_name(std::string_view(bytes, std::find(bytes, bytes + size, '\0') - bytes));
}

void add_flags(std::string& text, std::string_view name, uint64_t flags,
               std::initializer_list<FlagName> names) {
  add_field(text, name, fmt::format("0x{:x}", flags));
  if (flags == 0) return;
  std::string list = flags_to_text(flags, names, "");
  for (size_t at = 0; (at = list.find('|', at)) != std::string::npos; at += 8)
    list.replace(at, 1, " |\n\t\t\t  ");
  add_line(text, "\t\t\t( {} )", list);
}

void add_checksum(std::string& text, const DiskSuper& super) {
  const bool known = super.csum_type <= static_cast<uint16_t>(CsumType::blake2);
  const auto type = static_cast<CsumType>(known ? uint16_t{super.csum_type} : uint16_t{0});
  add_field(text, "csum_type",
            fmt::format("{} ({})", uint16_t{super.csum_type}, known ? csum_name(type) : "INVALID"));
  add_field(text, "csum_size", csum_size(type));
  std::string hex;
  for (size_t i = 0; i < csum_size(type); ++i)
    fmt::format_to(std::back_inserter(hex), "{:02x}", super.csum[i]);
  const CsumValue want = checksum(type, object_bytes(super).subspan(sizeof super.csum));
  const bool match = known && std::memcmp(want.data(), super.csum, csum_size(type)) == 0;
  add_field(text, "csum", fmt::format("0x{} [{}]", hex, match ? "match" : "DON'T MATCH"));
}

void add_features(std::string& text, const DiskSuper& super) {
  add_field(text, "compat_flags", fmt::format("0x{:x}", uint64_t{super.compat_flags}));
  add_flags(text, "compat_ro_flags", super.compat_ro_flags,
            {{compat_ro::kFreeSpaceTree, "FREE_SPACE_TREE"},
             {compat_ro::kFreeSpaceTreeValid, "FREE_SPACE_TREE_VALID"},
             {compat_ro::kVerity, "VERITY"},
             {compat_ro::kBlockGroupTree, "BLOCK_GROUP_TREE"}});
  add_flags(text, "incompat_flags", super.incompat_flags,
            {{incompat::kMixedBackref, "MIXED_BACKREF"},
             {incompat::kDefaultSubvol, "DEFAULT_SUBVOL"},
             {incompat::kMixedGroups, "MIXED_GROUPS"},
             {incompat::kCompressLzo, "COMPRESS_LZO"},
             {incompat::kCompressZstd, "COMPRESS_ZSTD"},
             {incompat::kBigMetadata, "BIG_METADATA"},
             {incompat::kExtendedIref, "EXTENDED_IREF"},
             {incompat::kRaid56, "RAID56"},
             {incompat::kSkinnyMetadata, "SKINNY_METADATA"},
             {incompat::kNoHoles, "NO_HOLES"},
             {incompat::kMetadataUuid, "METADATA_UUID"},
             {incompat::kRaid1c34, "RAID1C34"},
             {incompat::kZoned, "ZONED"},
             {incompat::kExtentTreeV2, "EXTENT_TREE_V2"},
             {incompat::kRaidStripeTree, "RAID_STRIPE_TREE"},
             {incompat::kSimpleQuota, "SIMPLE_QUOTA"}});
}

void add_identity(std::string& text, const DiskSuper& super) {
  add_field(text, "bytenr", uint64_t{super.bytenr});
  add_flags(text, "flags", super.flags,
            {{super_flag::kWritten, "WRITTEN"},
             {super_flag::kReloc, "RELOC"},
             {super_flag::kError, "ERROR"},
             {super_flag::kSeeding, "SEEDING"},
             {super_flag::kMetadump, "METADUMP"},
             {super_flag::kMetadumpV2, "METADUMP_V2"},
             {super_flag::kChangingFsid, "CHANGING_FSID"},
             {super_flag::kChangingFsidV2, "CHANGING_FSID_V2"},
             {super_flag::kChangingBlockGroupTree, "CHANGING_BG_TREE"},
             {super_flag::kChangingDataCsum, "CHANGING_DATA_CSUM"},
             {super_flag::kChangingMetaCsum, "CHANGING_META_CSUM"}});
  const uint64_t magic = super.magic;
  const char* bytes = reinterpret_cast<const char*>(&magic);
  add_field(text, "magic",
            fmt::format("{} [{}]", quoted_bytes(bytes, 8), magic == kSuperMagic ? "match" : "DON'T MATCH"));
  const bool has_metadata_uuid = super.incompat_flags & incompat::kMetadataUuid;
  add_field(text, "fsid", uuid_to_text(super.fsid));
  add_field(text, "metadata_uuid", uuid_to_text(has_metadata_uuid ? super.metadata_uuid : super.fsid));
  add_field(text, "label", quoted_bytes(super.label, sizeof super.label));
}

void add_tree_roots(std::string& text, const DiskSuper& super) {
  add_field(text, "generation", uint64_t{super.generation});
  add_field(text, "root", uint64_t{super.root});
  add_field(text, "sys_array_size", uint32_t{super.sys_chunk_array_size});
  add_field(text, "chunk_root_generation", uint64_t{super.chunk_root_generation});
  add_field(text, "root_level", super.root_level);
  add_field(text, "chunk_root", uint64_t{super.chunk_root});
  add_field(text, "chunk_root_level", super.chunk_root_level);
  add_field(text, "log_root", uint64_t{super.log_root});
  add_field(text, "log_root_transid (deprecated)", uint64_t{super.log_root_transid_unused});
  add_field(text, "log_root_level", super.log_root_level);
}

void add_sizes(std::string& text, const DiskSuper& super) {
  add_field(text, "total_bytes", uint64_t{super.total_bytes});
  add_field(text, "bytes_used", uint64_t{super.bytes_used});
  add_field(text, "sectorsize", uint32_t{super.sectorsize});
  add_field(text, "nodesize", uint32_t{super.nodesize});
  add_field(text, "leafsize (deprecated)", uint32_t{super.leafsize_unused});
  add_field(text, "stripesize", uint32_t{super.stripesize});
  add_field(text, "root_dir", uint64_t{super.root_dir_objectid});
  add_field(text, "num_devices", uint64_t{super.num_devices});
}

void add_device(std::string& text, const DiskSuper& super) {
  const DiskDevItem& device = super.dev_item;
  const bool has_metadata_uuid = super.incompat_flags & incompat::kMetadataUuid;
  const bool match = std::memcmp(device.fsid, has_metadata_uuid ? super.metadata_uuid : super.fsid, 16) == 0;
  add_field(text, "dev_item.uuid", uuid_to_text(device.uuid));
  add_field(text, "dev_item.fsid",
            fmt::format("{} [{}]", uuid_to_text(device.fsid), match ? "match" : "DON'T MATCH"));
  add_field(text, "dev_item.type", uint64_t{device.type});
  add_field(text, "dev_item.total_bytes", uint64_t{device.total_bytes});
  add_field(text, "dev_item.bytes_used", uint64_t{device.bytes_used});
  add_field(text, "dev_item.io_align", uint32_t{device.io_align});
  add_field(text, "dev_item.io_width", uint32_t{device.io_width});
  add_field(text, "dev_item.sector_size", uint32_t{device.sector_size});
  add_field(text, "dev_item.devid", uint64_t{device.devid});
  add_field(text, "dev_item.dev_group", uint32_t{device.dev_group});
  add_field(text, "dev_item.seek_speed", device.seek_speed);
  add_field(text, "dev_item.bandwidth", device.bandwidth);
  add_field(text, "dev_item.generation", uint64_t{device.generation});
}

void add_sys_chunk_array(std::string& text, const DiskSuper& super) {
  add_line(text, "sys_chunk_array[{}]:", kSysChunkArrayBytes);
  SysChunks chunks(used_sys_chunk_array(super));
  for (int slot = 0; chunks.next(); ++slot) {
    const SysChunk& chunk = chunks.entry();
    add_line(text, "\titem {} key {}", slot, to_text(chunk.key));
    text += chunk_to_text(chunk.item, 2);
  }
  if (Status whole = chunks.finish("entry"); !whole) add_line(text, "\tERROR: {}", whole.error().message);
}

void add_backup_root(std::string& text, const char* name_and_tabs, uint64_t bytenr, uint64_t generation,
                     uint8_t level) {
  add_line(text, "\t\t{}{}\tgen: {}\tlevel: {}", name_and_tabs, bytenr, generation, level);
}

void add_backups(std::string& text, const DiskSuper& super) {
  add_line(text, "backup_roots[{}]:", kRootBackups);
  for (int i = 0; i < kRootBackups; ++i) {
    const DiskRootBackup& backup = super.super_roots[i];
    add_line(text, "\tbackup {}:", i);
    add_backup_root(text, "backup_tree_root:\t", backup.tree_root, backup.tree_root_gen,
                    backup.tree_root_level);
    add_backup_root(text, "backup_chunk_root:\t", backup.chunk_root, backup.chunk_root_gen,
                    backup.chunk_root_level);
    add_backup_root(text, "backup_extent_root:\t", backup.extent_root, backup.extent_root_gen,
                    backup.extent_root_level);
    add_backup_root(text, "backup_fs_root:\t\t", backup.fs_root, backup.fs_root_gen, backup.fs_root_level);
    add_backup_root(text, "backup_dev_root:\t", backup.dev_root, backup.dev_root_gen, backup.dev_root_level);
    add_backup_root(text, "csum_root:\t", backup.csum_root, backup.csum_root_gen, backup.csum_root_level);
    add_line(text, "\t\tbackup_total_bytes:\t{}", uint64_t{backup.total_bytes});
    add_line(text, "\t\tbackup_bytes_used:\t{}", uint64_t{backup.bytes_used});
    add_line(text, "\t\tbackup_num_devices:\t{}", uint64_t{backup.num_devices});
    text += '\n';
  }
}

}  // namespace

std::string super_to_text(const DiskSuper& super, bool full) {
  std::string text;
  add_checksum(text, super);
  add_identity(text, super);
  add_tree_roots(text, super);
  add_sizes(text, super);
  add_features(text, super);
  add_field(text, "cache_generation", uint64_t{super.cache_generation});
  add_field(text, "uuid_tree_generation", uint64_t{super.uuid_tree_generation});
  add_device(text, super);
  if (full) {
    add_sys_chunk_array(text, super);
    add_backups(text, super);
  }
  return text;
}

}  // namespace butterfuse
