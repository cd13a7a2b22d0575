// Repair: makes a damaged file system sound, in memory first; only what a check then finds better is written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/check/checker.h"
#include "core/device/memory_device.h"
#include "core/repair/forest.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

struct RepairOptions {
  Report on_action = [](const std::string&) {};  // what is done, one line each
  std::function<void(const std::string&, double)> on_progress = [](const std::string&, double) {};
  std::function<bool()> interrupted = [] { return false; };
};

// The devices are only read until write(). Memory: what is changed, and about 200 bytes an extent.
class Repair {
 public:
  Repair(std::vector<std::shared_ptr<BlockDevice>> devices, const RepairOptions& options);

  // Checks, mends a copy in memory, and checks that. EUCLEAN when there is nothing to go by, EINTR.
  Status plan();
  const CheckSummary& before() const { return before_; }
  const CheckSummary& after() const { return after_; }
  // There is something to write that has fewer errors.
  bool is_improvement() const { return after_.errors < before_.errors; }
  uint64_t changed_bytes() const;
  // Saves in an undo log what write() will overwrite. An error leaves no such log.
  Status save(const std::string& undo_path) const;
  // Superblocks last. REQUIRES is_improvement().
  Status write();

 private:
  using Overlays = std::vector<std::shared_ptr<MemoryDevice>>;
  Result<CheckSummary> check(const Overlays& overlays) const;
  // EROFS, EIO: with the devices that are missing something is, too; EINVAL: a device was cut short.
  Status check_that_nothing_is_missing() const;
  // One attempt, on overlays of its own.
  Status check_no_replace_under_way() const;
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
