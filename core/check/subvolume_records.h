// SPDX-License-Identifier: GPL-2.0-or-later
// SubvolumeRecords: what one subvolume tree says about its inodes and names, for judgement. Internal.
#pragma once

#include <string>
#include <unordered_map>

#include "core/check/inode_record.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse::check {

// One name in one directory and the three places that must agree on it.
struct LinkRecord {
  Key location;
  uint8_t type = 0;
  uint64_t index = 0;
  bool in_item = false, in_index = false, in_ref = false;
};

class SubvolumeRecords {
 public:
  SubvolumeRecords(CheckState& state, uint64_t root_id)
      : state_(state),
        root_id_(root_id),
        tell_([this](const std::string& finding) { error("{}", finding); }) {}
  // In the order of keys, each item once.
  void add(const Key& key, ByteSpan data);
  // Once, when all items were added. Names of subvolumes go to state.subvolume_names.
  void judge();

 private:
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    state_.error("root {}: {}", tree_name(root_id_), fmt::format(format, std::forward<Args>(args)...));
  }
  void add_dir_entries(const Key& key, ByteSpan data);
  void add_dir_entry(const Key& key, const NameEntry& entry);
  void add_refs(const Key& key, ByteSpan data);
  void add_ref(uint64_t ino, uint64_t parent, uint64_t index, std::string_view name);
  LinkRecord& link(uint64_t dir, std::string_view name);
  void judge_link(const std::string& name, const LinkRecord& link);

  CheckState& state_;
  const uint64_t root_id_;
  const Tell tell_;
  std::unordered_map<uint64_t, InodeRecord> inodes_;
  std::unordered_map<std::string, LinkRecord> links_;  // by directory (8 bytes) and name
};

}  // namespace butterfuse::check
