// SPDX-License-Identifier: GPL-2.0-or-later
// Filesystem: whose turn it is to commit.
#include "core/transaction/commit.h"
#include "core/transaction/filesystem_state.h"

namespace butterfuse {

Status Filesystem::commit() { return commit_changes(true); }

Status Filesystem::commit_changes(bool flush_when_unchanged) {
  if (read_only_) return state_->gate->status();
  if (CommitHook* const hook = state_->current_hook()) hook->prepare_commit();
  BF_ASSIGN(bool my_turn, state_->gate->take_turn());
  if (!my_turn) return {};
  return CommitDriver(*this).run(flush_when_unchanged);
}

}  // namespace butterfuse
