// SPDX-License-Identifier: GPL-2.0-or-later
// CheckOptions, and what a check counts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace butterfuse {

struct CheckOptions {
  bool data_csums = false;  // read all data and compare its checksums
  // Every finding, one line each: "what: where, have X want Y".
  std::function<void(const std::string&)> on_error = [](const std::string&) {};
  // Oddities that harm nothing, such as what old mkfs versions left behind.
  std::function<void(const std::string&)> on_warning = [](const std::string&) {};
  // Begin of a phase and, inside long ones, how far it is (0..1).
  std::function<void(const std::string&, double)> on_progress = [](const std::string&, double) {};
  std::function<bool()> interrupted = [] { return false; };
  uint64_t max_errors = 200;  // findings, and warnings, reported one by one; all are counted
};

struct CheckSummary {
  uint64_t errors = 0;
  uint64_t warnings = 0;
  uint64_t bytes_used = 0;
  uint64_t tree_blocks = 0;
  uint64_t tree_bytes = 0;
  uint64_t data_extents = 0;
  uint64_t data_bytes = 0;
  uint64_t csum_bytes = 0;
  uint64_t inodes = 0;
  uint64_t blocks_read = 0, blocks_judged = 0;  // by the walks over trees: how much work it was
  bool has_log = false;                         // fsynced changes wait in a log tree
  std::map<std::string, uint64_t> errors_in;    // by phase, of those that found some
  uint64_t bad_copies = 0;                      // of blocks or sectors where another copy was good
  std::string missing_devices;                  // what lies on them was not checked; no error by itself
};

}  // namespace butterfuse
