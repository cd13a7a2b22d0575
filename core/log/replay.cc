// SPDX-License-Identifier: GPL-2.0-or-later
// Replay, from the log root tree down to one subvolume after the other.
//
//     find ─> reserve blocks and fresh extents ─> replay in one transaction ─> commit ─> give blocks back
//
// All is reserved before the first allocation: whatever the replay allocates may not lie over what it has
// still to read. One transaction: half a log replayed and committed would have lost the other half with it,
// since a commit ends the log. The blocks are free only behind the commit, since until then the superblock
// leads to them.
#include "core/log/replay.h"

#include "core/base/log.h"
#include "core/device/memory_device.h"
#include "core/log/log_items.h"
#include "core/log/logged_space.h"
#include "core/log/subvolume_replay.h"
#include "core/volume/superblock.h"

namespace butterfuse {
namespace {

// The log of one subvolume.
struct SubvolumeLog {
  uint64_t root_id = 0;
  std::unique_ptr<Tree> tree;
};

class Replay {
 public:
  explicit Replay(Filesystem& filesystem) : filesystem_(filesystem), space_(filesystem) {}

  Status run() {
    BF_TRY(find_logs());
    BF_TRY(replay_all());
    BF_TRY(filesystem_.commit());
    space_.release();
    return {};
  }

 private:
  Status find_logs() {
    const DiskSuper& super = filesystem_.volume().super();
    // A log belongs to the transaction behind the committed one.
    Tree roots(filesystem_.tree_cache(), objectid::kTreeLog,
               {super.log_root, super.generation + 1, super.log_root_level});
    BF_TRY(space_.reserve(roots));
    const Key first{objectid::kTreeLog, key_type::kRootItem, 0};
    const Key end{objectid::kTreeLog, key_type::kRootItem + 1, 0};
    return for_each_log_item(roots, first, end, [&](const LogItem& item) { return find_log(item); });
  }

  Status find_log(const LogItem& found) {
    if (found.bytes.size() < sizeof(DiskRootItem))
      return make_error(EUCLEAN, "log tree: {} has {} bytes", to_text(found.key), found.bytes.size());
    const auto item = load<DiskRootItem>(found.bytes);
    const TreeRootPointer root{item.bytenr, item.generation, item.level};
    logs_.push_back(
        {found.key.offset, std::make_unique<Tree>(filesystem_.tree_cache(), objectid::kTreeLog, root)});
    return space_.reserve(*logs_.back().tree);
  }

  // Everything in one transaction, which can't end while the handle lives.
  Status replay_all() {
    BF_ASSIGN(TransactionHandle handle, begin());
    Status status;
    // From the highest subvolume down, as the kernel goes.
    for (auto log = logs_.rbegin(); status && log != logs_.rend(); ++log) status = replay_one(handle, *log);
    if (!status) handle.abort(status.error());
    return status;
  }

  Result<TransactionHandle> begin() {
    // Four items of the trees for one of the log (a name is three and its inode), but no more than this:
    // a log is many names in few leaves, and the worst case for each of them would ask for space that
    // nobody needs.
    constexpr uint64_t kItemsMax = 1 << 16;
    return filesystem_.begin_freeing(static_cast<uint32_t>(std::min(4 * space_.items() + 16, kItemsMax)));
  }

  Status replay_one(TransactionHandle& handle, const SubvolumeLog& log) {
    auto tree = filesystem_.subvolume(log.root_id);
    if (!tree && tree.error().code == ENOENT) return {};  // deleted since; its log has no meaning
    BF_TRY(tree);
    auto status = SubvolumeReplay(handle, *log.tree, **tree, space_).run();
    if (!status)
      return make_error(status.error().code, "log of subvolume {}: {}", log.root_id, status.error().message);
    return {};
  }

  Filesystem& filesystem_;
  LoggedSpace space_;
  std::vector<SubvolumeLog> logs_;
};

// The devices as they are, for a file system that may change only memory.
BlockDevices overlay(BlockDevices devices) {
  for (auto& device : devices)
    device = std::make_unique<MemoryDevice>(std::shared_ptr<BlockDevice>(std::move(device)));
  return devices;
}

}  // namespace

bool has_log(const Filesystem& filesystem) {
  return const_cast<Filesystem&>(filesystem).volume().super().log_root != 0;
}

bool has_log(const BlockDevices& devices) {
  uint64_t generation = 0;
  bool log = false;
  for (const auto& device : devices) {
    const auto super = read_newest_super(*device);
    if (!super || super->generation < generation) continue;
    log = super->log_root != 0 || (log && super->generation == generation);
    generation = super->generation;
  }
  return log;
}

Status replay_log(Filesystem& filesystem) {
  if (!has_log(filesystem)) return {};
  auto status = Replay(filesystem).run();
  if (status) return {};
  filesystem.turn_read_only(status.error());
  return make_error(status.error().code, "the log can't be replayed (-o ro,norecovery mounts without it): {}",
                    status.error().message);
}

Result<std::unique_ptr<Filesystem>> open_replayed(BlockDevices devices, const FilesystemOptions& wanted) {
  FilesystemOptions options = wanted;
  if (wanted.read_only) {
    if (!has_log(devices)) return Filesystem::open(std::move(devices), options);
    devices = overlay(std::move(devices));
    options.read_only = false;
    options.in_memory = true;
    options.commit_interval_s = 0;
  }
  options.will_replay_log = true;
  BF_ASSIGN(auto filesystem, Filesystem::open(std::move(devices), options));
  if (!has_log(*filesystem)) return filesystem;
  BF_TRY(replay_log(*filesystem));
  log(LogLevel::debug, "replayed the log of transaction {}", filesystem->last_committed());
  if (wanted.read_only) BF_TRY(filesystem->close());
  return filesystem;
}

Result<std::unique_ptr<Filesystem>> open_replayed(std::unique_ptr<BlockDevice> device,
                                                  const FilesystemOptions& wanted) {
  BlockDevices devices;
  devices.push_back(std::move(device));
  return open_replayed(std::move(devices), wanted);
}

}  // namespace butterfuse
