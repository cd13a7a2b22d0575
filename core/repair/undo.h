// SPDX-License-Identifier: GPL-2.0-or-later
// Undo: takes a repair back, in memory first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/check/checker.h"
#include "core/repair/undo_log.h"

namespace butterfuse::repair {

// The devices are only read until write(). Each sector that the repair wrote must hold what the repair left,
// or what was there before: an undo, as well as a repair, may have been cut short, and is done again.
class Undo {
 public:
  using Devices = std::vector<std::shared_ptr<BlockDevice>>;

  // Reads the log, puts the devices into its order, and applies it to a copy in memory. EINVAL: no undo log,
  // or of other devices; EUCLEAN: it is damaged; EBUSY: somebody has written to the devices since the repair.
  static Result<std::unique_ptr<Undo>> plan(const std::string& path, const Devices& devices);

  // Judges the copy.
  Result<CheckSummary> check(const CheckOptions& options) const;
  uint64_t errors_before_repair() const { return log_->errors(); }
  uint64_t bytes() const;  // that are put back
  // Superblocks last. An error leaves what the same undo, run again, puts right.
  Status write();

 private:
  Undo() = default;
  Status order(const Devices& given);
  Status check_device(const LoggedDevice& logged, BlockDevice& device) const;
  Status check_page(const LoggedPage& page) const;
  Error written_since(BlockDevice& device, const std::string& what) const;

  std::unique_ptr<UndoLog> log_;
  Devices devices_;  // in the order of the log
  std::vector<std::shared_ptr<MemoryDevice>> copy_;
};

}  // namespace butterfuse::repair
