// SPDX-License-Identifier: GPL-2.0-or-later
// Text of inodes and of everything that carries a file's name.
#include "core/base/shown_name.h"
#include "core/ondisk/named_entries.h"
#include "core/ondisk/text_parts.h"

namespace butterfuse {

namespace {

std::string inode_flags_to_text(uint64_t flags) {
  return flags_to_text(flags,
                       {{inode_flag::kNoDataSum, "NODATASUM"},
                        {inode_flag::kNoDataCow, "NODATACOW"},
                        {inode_flag::kReadonly, "READONLY"},
                        {inode_flag::kNoCompress, "NOCOMPRESS"},
                        {inode_flag::kPrealloc, "PREALLOC"},
                        {inode_flag::kSync, "SYNC"},
                        {inode_flag::kImmutable, "IMMUTABLE"},
                        {inode_flag::kAppend, "APPEND"},
                        {inode_flag::kNoDump, "NODUMP"},
                        {inode_flag::kNoAtime, "NOATIME"},
                        {inode_flag::kDirSync, "DIRSYNC"},
                        {inode_flag::kCompress, "COMPRESS"},
                        {inode_flag::kRootItemInit, "ROOT_ITEM_INIT"}},
                       "none");
}

const char* file_type_to_text(uint8_t type) {
  switch (type & 0x7f) {
    case file_type::kRegular:
      return "FILE";
    case file_type::kDir:
      return "DIR";
    case file_type::kChardev:
      return "CHRDEV";
    case file_type::kBlockdev:
      return "BLKDEV";
    case file_type::kFifo:
      return "FIFO";
    case file_type::kSocket:
      return "SOCK";
    case file_type::kSymlink:
      return "SYMLINK";
    case file_type::kXattr:
      return "XATTR";
    default:
      return "UNKNOWN";
  }
}

std::string inode_item_to_text(ByteSpan item) {
  const auto inode = load<DiskInodeItem>(item);
  std::string text;
  add_line(text, "\t\tgeneration {} transid {} size {} nbytes {}", uint64_t{inode.generation},
           uint64_t{inode.transid}, uint64_t{inode.size}, uint64_t{inode.nbytes});
  add_line(text, "\t\tblock group {} mode {:o} links {} uid {} gid {} rdev {}", uint64_t{inode.block_group},
           uint32_t{inode.mode}, uint32_t{inode.nlink}, uint32_t{inode.uid}, uint32_t{inode.gid},
           uint64_t{inode.rdev});
  add_line(text, "\t\tsequence {} flags 0x{:x}({})", uint64_t{inode.sequence}, uint64_t{inode.flags},
           inode_flags_to_text(inode.flags));
  add_line(text, "\t\tatime {}", time_to_text(inode.atime));
  add_line(text, "\t\tctime {}", time_to_text(inode.ctime));
  add_line(text, "\t\tmtime {}", time_to_text(inode.mtime));
  add_line(text, "\t\totime {}", time_to_text(inode.otime));
  return text;
}

std::string inode_refs_to_text(const Key& key, ByteSpan item) {
  std::string text;
  InodeRefEntries entries(key, item);
  while (entries.next()) {
    const InodeRefEntry& entry = entries.entry();
    const std::string parent = entry.is_extref ? fmt::format(" parent {}", entry.parent_ino) : "";
    add_line(text, "\t\tindex {}{} namelen {} name: {}", entry.index, parent, entry.name.size(),
             shown_name(entry.name));
  }
  return text;
}

std::string dir_item_to_text(ByteSpan item) {
  std::string text;
  NameEntries entries(item);
  while (entries.next()) {
    const NameEntry& entry = entries.entry();
    add_line(text, "\t\tlocation key {} type {}", to_text(entry.head.location),
             file_type_to_text(entry.head.type));
    add_line(text, "\t\ttransid {} data_len {} name_len {}", uint64_t{entry.head.transid}, entry.value.size(),
             entry.name.size());
    add_line(text, "\t\tname: {}", shown_name(entry.name));
    if (!entry.value.empty()) add_line(text, "\t\tdata {}", shown_name(as_text(entry.value)));
  }
  return text;
}

}  // namespace

std::string inode_family_to_text(const Key& key, ByteSpan item) {
  switch (key.type) {
    case key_type::kInodeItem:
      return inode_item_to_text(item);
    case key_type::kInodeRef:
    case key_type::kInodeExtref:
      return inode_refs_to_text(key, item);
    case key_type::kDirLogItem:
    case key_type::kDirLogIndex:
      return fmt::format("\t\tdir log end {}\n", uint64_t{load<DiskDirLogItem>(item).last});
    case key_type::kOrphanItem:
      return "\t\torphan item\n";
    default:
      return dir_item_to_text(item);
  }
}

}  // namespace butterfuse
