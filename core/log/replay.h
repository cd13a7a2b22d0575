// SPDX-License-Identifier: GPL-2.0-or-later
// Replay: what fsync promised before a crash becomes part of the trees again.
#pragma once

#include <memory>

#include "core/transaction/filesystem.h"

namespace butterfuse {

// Whether the superblock names a log tree. Of several devices the newest counts; what can't be read has none.
// A superblock with a log root does not say that there is something in it.
bool has_log(const Filesystem& filesystem);
bool has_log(const BlockDevices& devices);

// Replays the log trees of the superblock that was opened, and commits: the log is then gone. REQUIRES a
// writable file system opened with will_replay_log that nobody has changed yet. EUCLEAN when the log
// contradicts itself or the trees; the file system is then read-only, and nothing was written.
//
// A crash before the commit's superblock leaves the log as it was, to be replayed again.
Status replay_log(Filesystem& filesystem);

// Opens the file system and replays its log, if there is one. Read-only: into memory, without a write to the
// devices; what is returned is then closed for writing.
Result<std::unique_ptr<Filesystem>> open_replayed(BlockDevices devices, const FilesystemOptions& options);
Result<std::unique_ptr<Filesystem>> open_replayed(std::unique_ptr<BlockDevice> device,
                                                  const FilesystemOptions& options);

}  // namespace butterfuse
