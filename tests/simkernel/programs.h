// SPDX-License-Identifier: GPL-2.0-or-later
// Programs: what runs on the simulated kernel: calls on files, on mappings and on names, and its writeback.
#pragma once

#include "tests/simkernel/name_program.h"

namespace butterfuse::simkernel {

struct ProgramShape {
  int operations = 12;  // of each program
  int programs = 2;     // beside the one with mappings
  uint64_t file_max = 20'000;
  int fsync_percent = 20;
};

// Runs them all to their end, those of names beside the others; then all files are read, compared and closed.
void run_programs(SimThreads& sim, SimKernel& kernel, const std::vector<SimInode*>& inodes,
                  std::list<NameProgram>& name_programs, const ProgramShape& shape, uint64_t seed);

}  // namespace butterfuse::simkernel
