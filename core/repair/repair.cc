// SPDX-License-Identifier: GPL-2.0-or-later
// Repair: trees first, then what is in them, then the numbers that are counted over both.
//
//     devices <── best so far (overlays_) <── this round's trial        each an overlay of the one before
//                       ^                          │ attempt: new trees where asked for, then mend
//                       └───── fewer errors? <── check
//
// Nothing reaches a device before write(). A trial that fails, or that a check finds no better, is dropped
// with its overlay: that is why a wrong guess costs time and no data. The measure is the number of errors
// that a check counts, nothing finer.
//
// Where content alone is wrong it is mended first, without new trees: a tree that is written anew no longer
// shares blocks with its snapshots, and takes space. Only where that betters nothing are trees written anew.
#include "core/repair/repair.h"

#include "core/check/block_walk.h"
#include "core/device/shared_device.h"
#include "core/log/replay.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/root_item.h"
#include "core/repair/device_sizes.h"
#include "core/repair/mend_csums.h"
#include "core/repair/mend_root_refs.h"
#include "core/repair/mend_subvolume.h"
#include "core/repair/rewrite.h"
#include "core/repair/undo_log.h"
#include "core/survey/survey.h"
#include "core/transaction/unfinished_work.h"
#include "core/volume/superblock.h"

namespace butterfuse::repair {
namespace {

// Phases of a check whose errors do not ask for new trees. The names are those of core/check: an error of any
// phase that is not listed asks for new trees.
bool only_content(const CheckSummary& summary) {
  for (const auto& [phase, errors] : summary.errors_in)
    if (phase != "subvolumes" && phase != "superblocks" && phase != "free space") return false;
  return true;
}

// In this order, each stage flushed before the next begins: of the superblocks one is whole at any time.
enum class Stage { blocks, first_super, other_supers };

Stage stage_of(uint64_t offset) {
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror)
    if (offset == super_mirror_offset(mirror)) return mirror == 0 ? Stage::first_super : Stage::other_supers;
  return Stage::blocks;
}

// Every subvolume that the root tree names and that is not deleted.
Result<std::vector<uint64_t>> all_subvolumes(Filesystem& filesystem) {
  std::vector<uint64_t> ids;
  ReadCursor cursor(filesystem.root_tree());
  BF_TRY(cursor.seek({0, 0, 0}));
  while (cursor.valid()) {
    const Key key = cursor.key();
    if (key.type == key_type::kRootItem && is_fs_tree(key.objectid) &&
        cursor.data().size() >= kRootItemV0Bytes) {
      if (load_root_item(cursor.data()).refs != 0) ids.push_back(key.objectid);
    }
    BF_TRY(cursor.next());
  }
  return ids;
}

BlockDevices open_shared(const std::vector<std::shared_ptr<MemoryDevice>>& overlays) {
  BlockDevices opened;
  for (const auto& overlay : overlays) opened.push_back(std::make_unique<SharedDevice>(overlay));
  return opened;
}

}  // namespace

Repair::Repair(std::vector<std::shared_ptr<BlockDevice>> devices, const RepairOptions& options)
    : devices_(std::move(devices)), options_(options) {
  for (const auto& device : devices_) overlays_.push_back(std::make_shared<MemoryDevice>(device));
}

Result<CheckSummary> Repair::check(const Overlays& overlays) const {
  CheckOptions wanted;
  wanted.on_progress = options_.on_progress;
  wanted.interrupted = options_.interrupted;
  return check_filesystem(open_shared(overlays), wanted);
}

// Each round works on top of what those before made better; one that fails or betters nothing is forgotten.
Status Repair::plan() {
  BF_TRY(check_no_replace_under_way());
  BF_ASSIGN(before_, check(overlays_));
  after_ = before_;
  if (before_.errors > 0) BF_TRY(check_that_nothing_is_missing());
  // Content, trees, quotas (counted once nothing else is wrong), and one for what these bring to light.
  constexpr int kRounds = 4;  // mostly fewer: a round with new trees that betters nothing is the last
  Status failed;
  bool trees = !only_content(before_);
  for (int round = 0; round < kRounds && after_.errors > 0; ++round) {
    Overlays trial;
    for (const auto& overlay : overlays_) trial.push_back(std::make_shared<MemoryDevice>(overlay));
    actions_.clear();
    failed = attempt(trial, trees);
    if (options_.interrupted()) return make_error(EINTR, "interrupted");
    const auto summary = failed ? check(trial) : Result<CheckSummary>(tl::unexpected(failed.error()));
    if (!summary || summary->errors >= after_.errors) {
      if (trees) break;
      trees = true;  // mending what is in the trees was not enough
      continue;
    }
    after_ = *summary;
    for (const std::string& action : actions_) options_.on_action(action);
    for (size_t i = 0; i < trial.size(); ++i) {
      const auto keep = [&](uint64_t offset, ByteSpan page) {
        return overlays_[i]->write(offset, page, WriteKind::metadata);
      };
      BF_TRY(trial[i]->for_each_page(keep));
    }
    trees = true;
  }
  return is_improvement() || before_.errors == 0 ? Status{} : failed;
}

// What was copied by then would miss the repair. (A tree that can't be read says nothing, and is repaired.)
Status Repair::check_no_replace_under_way() const {
  FilesystemOptions options;
  options.read_only = options.degraded = true;
  const auto filesystem = Filesystem::open(open_shared(overlays_), options);
  return filesystem ? check_no_replace((*filesystem)->dev_tree()) : Status{};
}

// What can't be read for want of a device, or of its end, is not damaged: a repair would give it up. Of
// devices that were written without each other it would make one that is neither.
Status Repair::check_that_nothing_is_missing() const {
  BF_ASSIGN(const auto volume, Volume::open(open_shared(overlays_)));
  load_chunk_tree(*volume, [](const Error&) {});
  BF_TRY(check_devices_hold_chunks(*volume));
  BF_TRY(volume->check_root_copies());
  return before_.missing_devices.empty() ? Status{} : volume->check_devices(true, true);
}

Status Repair::attempt(const Overlays& trial, bool trees) {
  // Quota numbers are counted over all trees: before those are sound, the count would be wrong again.
  const bool quotas_only = after_.errors_in.contains("quotas") && after_.errors_in.size() == 1;
  if (!trees && after_.errors_in.contains("free space")) BF_TRY(distrust_free_space(trial));
  if (trees)
    BF_TRY(rewrite(trial, {.new_csums = after_.errors_in.contains("checksum items"),
                           .new_quotas = quotas_only,
                           .new_chunks = after_.errors_in.contains("chunks")}));
  return mend(trial, trees && quotas_only);
}

Status Repair::distrust_free_space(const Overlays& trial) {
  BF_ASSIGN(auto volume, Volume::open(open_shared(trial)));
  DiskSuper super = volume->super();
  super.compat_ro_flags = super.compat_ro_flags & ~compat_ro::kFreeSpaceTreeValid;
  // Space caches of another transaction: mend() gives them up.
  if (super.cache_generation == super.generation) super.cache_generation = super.generation - 1;
  return volume->write_supers(super);
}

Status Repair::rewrite(const Overlays& trial, const ForestWishes& wishes) {
  BF_ASSIGN(auto volume, Volume::open(open_shared(trial)));
  if (volume->super().log_root != 0)
    report_("log tree: given up, with what was fsynced since the last commit");
  BF_ASSIGN(Forest forest, survey(*volume, wishes, report_));
  std::string names;
  for (const auto& [id, items] : forest.anew) names += fmt::format(" {}", id);
  report_("trees written anew:" + names);
  return rewrite_trees(*volume, std::move(forest));
}

Status Repair::mend(const Overlays& trial, bool new_quotas) {
  FilesystemOptions wanted;
  // No commit by the clock: mend_subvolumes() commits behind each subvolume.
  wanted.commit_interval_s = 0;
  wanted.degraded = true;  // what is missing can't be read, and was reported
  wanted.quotas_are_right = new_quotas;
  BF_ASSIGN(auto filesystem, open_replayed(open_shared(trial), wanted));
  if (filesystem->wants_free_space_tree()) {
    BF_TRY(filesystem->rebuild_free_space_tree());
    report_("free space tree: written anew");
  }
  if (filesystem->has_stale_space_caches()) {
    BF_TRY(filesystem->give_up_old_space_caches());
    report_("space cache: given up");
  }
  BF_TRY(mend_subvolumes(*filesystem));
  BF_ASSIGN(const uint64_t places, mend_root_refs(*filesystem, report_));
  if (places > 0) BF_TRY(mend_subvolumes(*filesystem));  // sizes of directories that have new entries
  return filesystem->close();
}

Status Repair::mend_subvolumes(Filesystem& filesystem) {
  BF_ASSIGN(const std::vector<uint64_t> ids, all_subvolumes(filesystem));
  for (const uint64_t id : ids) {
    if (options_.interrupted()) return make_error(EINTR, "interrupted while repairing subvolume {}", id);
    BF_ASSIGN(Tree * tree, filesystem.subvolume(id));
    BF_TRY(mend_subvolume(filesystem, *tree, report_));
    BF_TRY(mend_csums(filesystem, *tree, report_));
    BF_TRY(filesystem.commit());
  }
  return {};
}

uint64_t Repair::changed_bytes() const {
  uint64_t bytes = 0;
  for (const auto& overlay : overlays_) bytes += overlay->bytes_in_memory();
  return bytes;
}

Status Repair::save(const std::string& undo_path) const {
  return write_undo_log(undo_path, devices_, overlays_, before_.errors);
}

Status Repair::write() {
  for (const Stage stage : {Stage::blocks, Stage::first_super, Stage::other_supers}) {
    for (size_t i = 0; i < devices_.size(); ++i) {
      const auto write_page = [&](uint64_t offset, ByteSpan page) -> Status {
        if (stage_of(offset) != stage) return {};
        return devices_[i]->write(offset, page,
                                  stage == Stage::blocks ? WriteKind::metadata : WriteKind::super);
      };
      BF_TRY(overlays_[i]->for_each_page(write_page));
    }
    for (const auto& device : devices_) BF_TRY(device->flush());
  }
  return {};
}

}  // namespace butterfuse::repair
