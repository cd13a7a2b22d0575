// SPDX-License-Identifier: GPL-2.0-or-later
// Opening a file system: chunk tree, root tree, fixed trees, and whether it may be written.
#include <algorithm>

#include "core/base/log.h"
#include "core/btree/tree_roots.h"
#include "core/ondisk/tree_checker.h"
#include "core/transaction/device_stats.h"
#include "core/transaction/filesystem_state.h"
#include "core/transaction/super_builder.h"
#include "core/transaction/unfinished_work.h"
#include "core/volume/device_sizes.h"
#include "core/volume/superblock.h"

namespace butterfuse {

// Builds up one Filesystem step by step. Everything it reads may be hostile.
class FilesystemOpener {
 public:
  explicit FilesystemOpener(const FilesystemOptions& options) : options_(options) {}

  Result<std::unique_ptr<Filesystem>> open(BlockDevices devices) {
    if (!options_.read_only && (options_.rescue.may_change_trees() || options_.rescue.super_flags))
      return make_error(EROFS, "old or missing roots and unknown flags are for reading only (-o ro)");
    BF_TRY(open_volume(std::move(devices)));
    const Status chunks = read_chunk_tree();
    // A device that was cut short is why much can't be read.
    BF_TRY(check_device_sizes(*filesystem_->volume_));
    BF_TRY(name_missing(chunks));
    if (!options_.read_only) BF_TRY(check_writable());
    BF_TRY(check_devices());
    BF_TRY(open_trees());
    if (!options_.read_only && !options_.in_memory)
      BF_TRY(check_nothing_unfinished(*state().dev_tree, *state().root_tree));
    if (!options_.read_only) BF_TRY(count_followers());
    start();
    return std::move(filesystem_);
  }

 private:
  Status open_volume(BlockDevices devices);
  Status check_writable();
  Status read_chunk_tree();
  Status read_chunk(const ReadCursor& cursor);
  Status name_missing(Status status);
  Status check_devices();
  Status open_trees();
  Status open_trees_of(const TreeRootPointer& root, bool need_fs_tree);
  Status open_fixed_trees(const TreeRootPointer& root, bool need_fs_tree);
  Status open_required(uint64_t root_id, Tree*& tree);
  Status open_optional(uint64_t root_id, Tree*& tree);
  Status open_unless_bad(uint64_t root_id, Tree*& tree);
  Status open_allocator();
  Status count_followers();
  void start();
  Filesystem::State& state() { return *filesystem_->state_; }
  const DiskSuper& super() { return filesystem_->volume_->super(); }

  const FilesystemOptions& options_;
  std::unique_ptr<Filesystem> filesystem_;
};

Status FilesystemOpener::open_volume(BlockDevices devices) {
  filesystem_.reset(new Filesystem());
  BF_ASSIGN(
      filesystem_->volume_,
      Volume::open(std::move(devices), options_.rescue.super_flags ? SuperFlags::any : SuperFlags::known));
  filesystem_->volume_->set_ignore_metadata_csums(options_.rescue.metadata_csums);
  filesystem_->cache_ = std::make_unique<TreeBlockCache>(*filesystem_->volume_, options_.tree_cache_bytes);
  filesystem_->cache_->set_generation_limit(super().generation);
  filesystem_->state_ = std::make_unique<Filesystem::State>();
  state().options = options_;
  state().super = super();
  state().incompat = super().incompat_flags;
  filesystem_->set_label(label_of(super()));
  if (!options_.read_only) filesystem_->volume_->note_super_generations();
  filesystem_->read_only_ = options_.read_only;
  filesystem_->last_committed_ = super().generation;
  return {};
}

Status FilesystemOpener::check_writable() {
  BF_TRY(filesystem_->volume_->check_writable());
  constexpr uint64_t kKnown = compat_ro::kFreeSpaceTree | compat_ro::kFreeSpaceTreeValid |
                              compat_ro::kVerity | compat_ro::kBlockGroupTree;
  if (uint64_t unknown = super().compat_ro_flags & ~kKnown)
    return make_error(
        EROFS, "unknown features that forbid writing (compat_ro {:#x}); mount read-only (-o ro)", unknown);
  if (super().log_root != 0 && !options_.will_replay_log)
    return make_error(EROFS, "there is a log tree to replay: mount it once, or read-only (-o ro)");
  return {};
}

Status FilesystemOpener::read_chunk_tree() {
  const TreeRootPointer root{super().chunk_root, super().chunk_root_generation, super().chunk_root_level};
  auto& cache = *filesystem_->cache_;
  BF_ASSIGN(TreeBlockRef block, cache.get(root.bytenr, {.generation = root.generation, .level = root.level}));
  Uuid chunk_tree_uuid;
  std::copy_n(block->header().chunk_tree_uuid, chunk_tree_uuid.bytes.size(), chunk_tree_uuid.bytes.begin());
  filesystem_->volume_->set_chunk_tree_uuid(chunk_tree_uuid);
  state().chunk_tree = std::make_unique<Tree>(cache, objectid::kChunkTree, root);

  ReadCursor cursor(*state().chunk_tree);
  BF_ASSIGN([[maybe_unused]] bool exact, cursor.seek({objectid::kDevItems, key_type::kDevItem, 0}));
  while (cursor.valid()) {
    const Key key = cursor.key();
    if (key.type == key_type::kDevItem)
      BF_TRY(filesystem_->volume_->add_device_item(cursor.as<DiskDevItem>()));
    if (key.type == key_type::kChunkItem) BF_TRY(read_chunk(cursor));
    BF_TRY(cursor.next());
  }
  return {};
}

// A chunk tree that can't be read may lie on a device that was not given.
Status FilesystemOpener::name_missing(Status status) {
  const std::string missing = filesystem_->volume_->missing_devices();
  if (status || missing.empty()) return status;
  return make_error(options_.degraded ? status.error().code : ENODEV, "missing {}: {}", missing,
                    status.error().message);
}

Status FilesystemOpener::check_devices() {
  Volume& volume = *filesystem_->volume_;
  const auto known = std::ranges::count_if(volume.members(), &MemberDevice::has_item);
  if (static_cast<uint64_t>(known) != super().num_devices)
    log(LogLevel::warning, "the superblock counts {} devices, the chunk tree has {}",
        uint64_t{super().num_devices}, known);
  BF_TRY(volume.check_devices(options_.degraded, !options_.read_only));
  return volume.check_root_copies();
}

Status FilesystemOpener::read_chunk(const ReadCursor& cursor) {
  const Key key = cursor.key();
  TreeCheckContext check{.nodesize = super().nodesize,
                         .sectorsize = super().sectorsize,
                         .incompat = super().incompat_flags,
                         .total_bytes = super().total_bytes,
                         .generation = super().generation};
  BF_TRY(check_chunk_item(check, key, cursor.data()));
  ChunkMapping chunk = decode_chunk(key, cursor.data());
  // System chunks are known already, from sys_chunk_array.
  if (auto known = filesystem_->volume_->chunk_at(chunk.start); known && known->start == chunk.start) {
    if (known->length == chunk.length && known->type == chunk.type) return {};
    return make_error(EUCLEAN, "chunk {}: length {} type {:#x} in the chunk tree, {} {:#x} in the superblock",
                      chunk.start, chunk.length, chunk.type, known->length, known->type);
  }
  return filesystem_->volume_->add_chunk(std::move(chunk));
}

Status FilesystemOpener::open_required(uint64_t root_id, Tree*& tree) {
  auto opened = state().trees->open(root_id);
  if (!opened) {
    Error error = std::move(opened).error();
    if (error.code == ENOENT) error.code = EUCLEAN;  // no errno that a caller could take for a missing file
    return tl::unexpected(std::move(error));
  }
  tree = *opened;
  return {};
}

Status FilesystemOpener::open_optional(uint64_t root_id, Tree*& tree) {
  auto opened = state().trees->open(root_id);
  if (!opened && opened.error().code != ENOENT && !options_.rescue.bad_roots)
    return tl::unexpected(std::move(opened).error());
  tree = opened ? *opened : nullptr;
  return {};
}

Status FilesystemOpener::open_unless_bad(uint64_t root_id, Tree*& tree) {
  Status opened = open_required(root_id, tree);
  if (opened || !options_.rescue.bad_roots) return opened;
  log(LogLevel::warning, "doing without tree {}: {}", objectid_name(root_id, key_type::kRootItem),
      opened.error().message);
  tree = nullptr;
  return {};
}

// The superblock's root tree, else older ones, else what there is of the superblock's.
Status FilesystemOpener::open_trees() {
  const TreeRootPointer newest{super().root, super().generation, super().root_level};
  const Status opened = open_trees_of(newest, true);
  if (opened) return {};
  if (options_.rescue.backup_roots) {
    for (const TreeRootPointer& root : backup_root_trees(super())) {
      if (!open_trees_of(root, true)) continue;
      log(LogLevel::warning, "using the root tree of transaction {}, {} before the last: {}", root.generation,
          newest.generation - root.generation, opened.error().message);
      return {};
    }
  }
  if (options_.rescue.bad_roots && open_trees_of(newest, false)) return {};
  return opened;
}

Status FilesystemOpener::open_trees_of(const TreeRootPointer& root, bool need_fs_tree) {
  BF_TRY(open_fixed_trees(root, need_fs_tree));
  return open_allocator();
}

Status FilesystemOpener::open_fixed_trees(const TreeRootPointer& root, bool need_fs_tree) {
  auto& s = state();
  s.trees.reset();
  s.root_tree = std::make_unique<Tree>(*filesystem_->cache_, objectid::kRootTree, root);
  s.trees = std::make_unique<TreeTable>(*s.root_tree, filesystem_->commit_debt().trees());
  BF_TRY(open_unless_bad(objectid::kExtentTree, s.extent_tree));
  BF_TRY(open_unless_bad(objectid::kDevTree, s.dev_tree));
  if (s.dev_tree != nullptr) load_device_stats(*s.dev_tree, *filesystem_->volume_);
  BF_TRY(need_fs_tree ? open_required(objectid::kFsTree, s.fs_tree)
                      : open_unless_bad(objectid::kFsTree, s.fs_tree));
  BF_TRY(open_unless_bad(objectid::kCsumTree, s.csum_tree));
  BF_TRY(open_optional(objectid::kUuidTree, s.uuid_tree));
  BF_TRY(open_optional(objectid::kQuotaTree, s.quota_tree));
  const uint64_t features = super().compat_ro_flags;
  if (features & compat_ro::kBlockGroupTree)
    BF_TRY(open_unless_bad(objectid::kBlockGroupTree, s.block_group_tree));
  // A free space tree that is not valid is neither read nor written until it is built anew.
  if (options_.distrust_free_space_tree)
    s.super.compat_ro_flags = s.super.compat_ro_flags & ~compat_ro::kFreeSpaceTreeValid;
  constexpr uint64_t kUsable = compat_ro::kFreeSpaceTree | compat_ro::kFreeSpaceTreeValid;
  if ((s.super.compat_ro_flags & kUsable) == kUsable)
    BF_TRY(open_unless_bad(objectid::kFreeSpaceTree, s.free_space_tree));
  // What a log tree has the caches of its transaction do not know.
  s.space_caches_current = super().cache_generation == super().generation && super().log_root == 0 &&
                           !options_.distrust_free_space_tree;
  s.uuid_tree_current = s.uuid_tree && super().uuid_tree_generation == super().generation;
  return {};
}

Status FilesystemOpener::open_allocator() {
  auto& s = state();
  const bool has_own_tree = super().compat_ro_flags & compat_ro::kBlockGroupTree;
  AllocatorTrees trees{.extent = s.extent_tree,
                       .block_group = has_own_tree ? s.block_group_tree : s.extent_tree,
                       .free_space = s.free_space_tree,
                       .chunk = s.chunk_tree.get(),
                       .device = s.dev_tree,
                       .root = options_.read_only ? nullptr : s.root_tree.get()};
  auto opened = Allocator::open(*filesystem_->volume_, trees, filesystem_->commit_debt());
  if (!opened && options_.rescue.bad_roots) {
    log(LogLevel::warning, "doing without block groups: {}", opened.error().message);
    trees.block_group = nullptr;
    opened = Allocator::open(*filesystem_->volume_, trees, filesystem_->commit_debt());
  }
  BF_ASSIGN(filesystem_->allocator_, std::move(opened));
  return {};
}

// A size that is wrong in its ROOT_ITEM makes promises too generous or too mean, and is no worse than that.
// The root tree has none: its leaves are counted, and a few blocks for the nodes.
Status FilesystemOpener::count_followers() {
  BF_ASSIGN(const uint64_t leaves, count_leaves(*state().root_tree));
  filesystem_->commit_debt().add_old_followers(
      static_cast<int64_t>((leaves + leaves / 64 + 1) * super().nodesize));
  for (const Tree* tree :
       {state().extent_tree, state().csum_tree, state().free_space_tree, state().block_group_tree}) {
    if (tree == nullptr) continue;
    BF_ASSIGN(const FoundRootItem found, state().trees->find_root_item(tree->id()));
    const uint64_t bytes = found.item.bytes_used;
    filesystem_->commit_debt().add_old_followers(
        static_cast<int64_t>(std::min(bytes, uint64_t{super().bytes_used})));
  }
  return {};
}

void FilesystemOpener::start() {
  auto& s = state();
  s.gate =
      std::make_unique<TransactionGate>(super().generation, super().nodesize, filesystem_->commit_debt());
  if (options_.read_only) return;
  filesystem_->cache_->set_running(s.gate->running_transid());
  filesystem_->volume_->set_repairs(true);
  Filesystem* filesystem = filesystem_.get();
  // Errors are kept by the gate and reported to whoever begins or commits next.
  s.commit_thread = std::make_unique<CommitThread>(options_.commit_interval_s, [filesystem] {
    [[maybe_unused]] Status ignored = filesystem->commit_changes(false);
  });
}

Result<std::unique_ptr<Filesystem>> Filesystem::open(BlockDevices devices, const FilesystemOptions& options) {
  return FilesystemOpener(options).open(std::move(devices));
}

Result<std::unique_ptr<Filesystem>> Filesystem::open(std::unique_ptr<BlockDevice> device,
                                                     const FilesystemOptions& options) {
  return open(one_device(std::move(device)), options);
}

}  // namespace butterfuse
