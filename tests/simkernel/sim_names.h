// SPDX-License-Identifier: GPL-2.0-or-later
// SimNames: what the simulated kernel believes of names, and the system calls on them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/device/recording_device.h"
#include "tests/simkernel/sim_kernel.h"

namespace butterfuse::simkernel {

// What the kernel keeps of an inode beside the pages of a file (SimInode).
struct SimNode {
  uint64_t node = 0, ino = 0;
  uint32_t mode = 0;
  uint64_t lookups = 0;      // answers that named it: FUSE_FORGET gives them back
  SimInode* file = nullptr;  // of a regular file
};

// Entry cache of one folder tree that one program changes: names that were looked up, absent ones among them,
// are not asked for again until they are dropped. An inode without a cached name and without an open file may
// be forgotten. Each call must work: what fails is collected, as in SimKernel.
class SimNames {
 public:
  // `folder`: a node that stays known.
  SimNames(SimThreads& sim, FuseChannel& channel, SimKernel& kernel, uint64_t folder);

  struct Spot {
    uint64_t dir = 0;  // node
    std::string name;
  };
  SimNode* look_up(const Spot& spot);  // null: there is no such name
  SimNode* create(const Spot& spot);   // a regular file
  SimNode* make_dir(const Spot& spot);
  void link(const SimNode& node, const Spot& spot);
  void remove(const Spot& spot, bool is_dir);
  void rename(const Spot& from, const Spot& to, uint32_t flags);
  std::map<std::string, uint64_t> list(uint64_t dir);  // name: inode number
  uint32_t link_count(const SimNode& node);
  void sync_dir(uint64_t dir);
  uint32_t flags(const SimNode& node);  // FS_*_FL
  void set_flags(const SimNode& node, uint32_t flags);
  // Some entries go, and inodes that nobody needs then; their dirty pages are written first.
  void drop_some();

  const std::vector<std::string>& problems() const { return problems_; }
  void complain(const std::string& text) { problems_.push_back(text); }

 private:
  using Entry = std::pair<uint64_t, std::string>;  // (node of the directory, name)
  FuseRequestPtr call(uint32_t opcode, uint64_t node, std::initializer_list<ByteSpan> body, const char* what);
  SimNode* take_entry(const FuseRequest& answer, const Spot& spot, bool is_new);
  uint64_t open_dir(uint64_t dir);
  void close_dir(uint64_t dir, uint64_t fh);
  std::vector<std::byte> ioctl(const SimNode& node, uint32_t command, ByteSpan in, uint32_t out_bytes);
  bool has_entry(uint64_t node) const;
  void forget(uint64_t node);

  SimThreads& sim_;
  FuseChannel& channel_;
  SimKernel& kernel_;
  std::map<Entry, uint64_t> entries_;  // node; 0: known to be absent
  std::map<uint64_t, SimNode> nodes_;
  std::vector<std::string> problems_;
};

}  // namespace butterfuse::simkernel
