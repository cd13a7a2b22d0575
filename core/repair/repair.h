// SPDX-License-Identifier: GPL-2.0-or-later
// Repair: makes a damaged file system sound, in memory first; only what a check then finds better is written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/check/checker.h"
#include "core/device/memory_device.h"
#include "core/survey/forest.h"
#include "core/survey/report.h"
#include "core/survey/survey.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// `on_progress` is handed to each check. `interrupted` is asked between steps, too: true ends plan() with
// EINTR, and nothing was written.
struct RepairOptions {
  Report on_action = [](const std::string&) {};  // what is done, one line each
  std::function<void(const std::string&, double)> on_progress = [](const std::string&, double) {};
  std::function<bool()> interrupted = [] { return false; };
};

// The devices are only read until write(). Memory: what is changed, and some 350 bytes an extent.
class Repair {
 public:
  Repair(std::vector<std::shared_ptr<BlockDevice>> devices, const RepairOptions& options);

  // Checks, mends a copy in memory, and checks that. EUCLEAN when there is nothing to go by, EINTR, and the
  // errors of what is looked at first (below).
  Status plan();
  const CheckSummary& before() const { return before_; }
  const CheckSummary& after() const { return after_; }
  // There is something to write that has fewer errors.
  bool is_improvement() const { return after_.errors < before_.errors; }
  // Of all devices, in pages of 4 KiB: what write() writes. The undo log is as long, and a little longer.
  uint64_t changed_bytes() const;
  // Saves in an undo log what write() will overwrite. An error leaves no such log.
  Status save(const std::string& undo_path) const;
  // Superblocks last. REQUIRES is_improvement().
  Status write();

 private:
  using Overlays = std::vector<std::shared_ptr<MemoryDevice>>;
  Result<CheckSummary> check(const Overlays& overlays) const;
  // EROFS, EIO: with the devices that are missing something is, too; EINVAL: a device was cut short; EUCLEAN:
  // devices were written without each other.
  Status check_that_nothing_is_missing() const;
  // EROFS: the kernel is replacing a device.
  Status check_no_replace_under_way() const;
  // One attempt, on overlays of its own. `trees`: trees are written anew before what is in them is mended.
  Status attempt(const Overlays& trial, bool trees);
  Status rewrite(const Overlays& trial, const ForestWishes& wishes);
  // The free space tree will be counted anew.
  Status distrust_free_space(const Overlays& trial);
  // `new_quotas`: their numbers were counted anew, and what is done here does not change them.
  Status mend(const Overlays& trial, bool new_quotas);
  Status mend_subvolumes(Filesystem& filesystem);

  const std::vector<std::shared_ptr<BlockDevice>> devices_;
  Overlays overlays_;  // the best so far
  const RepairOptions options_;
  CheckSummary before_, after_;
  std::vector<std::string> actions_;  // of the attempt: told if it is kept
  const Report report_ = [this](const std::string& action) { actions_.push_back(action); };
};

}  // namespace butterfuse::repair
