// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the phases of a check one after the other over an opened volume.
//
// What each phase needs of those before it:
//
//     superblocks ─> roots (chunks, where all trees begin)
//     extents ─> references ─> reference counts      extent items say which blocks are FULL_BACKREF
//     block groups ─> chunks, free space             both compare with what the extents took and left
//     log trees ─> checksum items ─> subvolumes      data of a log has checksums, too; files ask for them
//     subvolumes ─> quotas, log
//
// No phase is left out because one before it found errors: somebody who repairs wants to know all of it.
#include "core/check/checker.h"

#include <algorithm>
#include <cerrno>
#include <thread>

#include "core/check/check_state.h"

namespace butterfuse {
namespace {

struct Phase {
  const char* name;
  void (*run)(check::CheckState&);
};

// The names are told to the user, and are what core/repair decides by.
constexpr Phase kPhases[] = {
    {"superblocks", check::check_supers},
    {"roots", check::load_roots},
    {"extents", check::read_extent_tree},
    {"references", check::count_references},
    {"reference counts", check::compare_references},
    {"chunks", check::check_chunks},
    {"free space", check::check_free_space},
    {"log trees", check::read_log},
    {"checksum items", check::check_csums},
    {"subvolumes", check::check_subvolumes},
    {"quotas", check::check_quotas},
    {"log", check::check_log},
};

// One thread judges what they read: beyond some workers it is the one that all wait for.
constexpr unsigned kWorkersMax = 8;

}  // namespace

check::CheckState::CheckState(Volume& opened, const CheckOptions& chosen)
    : volume(opened),
      options(chosen),
      workers(
          make_thread_pool(std::clamp(std::thread::hardware_concurrency(), 1u, kWorkersMax), "bf-check")) {}

Result<CheckSummary> check_filesystem(std::unique_ptr<BlockDevice> device, const CheckOptions& options) {
  return check_filesystem(one_device(std::move(device)), options);
}

Result<CheckSummary> check_filesystem(BlockDevices devices, const CheckOptions& options) {
  BF_ASSIGN(auto volume, Volume::open(std::move(devices)));
  check::CheckState state(*volume, options);
  for (const Phase& phase : kPhases) {
    options.on_progress(phase.name, 0);
    const uint64_t errors = state.summary.errors;
    phase.run(state);
    if (state.summary.errors > errors) state.summary.errors_in[phase.name] = state.summary.errors - errors;
    if (options.interrupted()) return make_error(EINTR, "interrupted while checking {}", phase.name);
  }
  state.summary.has_log = volume->super().log_root != 0;
  return state.summary;
}

}  // namespace butterfuse
