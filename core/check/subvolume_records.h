// SubvolumeRecords: what one subvolume tree says about its inodes and names, gathered for judgement.
// Internal.
#pragma once

#include <string>
#include <unordered_map>

#include "core/check/check_state.h"

namespace butterfuse::check {

// What is judged of an inode item. There is one for each inode of the subvolume at a time, so that a few bytes count.
struct JudgedInode {
  uint64_t size = 0, nbytes = 0, flags = 0;
  uint32_t mode = 0, nlink = 0;
};

struct InodeRecord {
  JudgedInode item;
  uint64_t refs = 0;                  // names counted in its back references
  uint64_t dir_bytes = 0;             // name bytes of its entries, in DIR_ITEMs and DIR_INDEXes
  uint64_t extent_bytes = 0;          // what nbytes has to be
  uint64_t extent_end = 0;            // where the last extent ended
  uint64_t first_gap = ~uint64_t{0};  // where the first one between extents begins
  bool has_item = false;
  bool orphan = false;
  bool has_extents = false, has_entries = false;
  bool has_csums = false;  // of data that should have none
  bool has_unsummed_compressed = false;
  // Removed, and waiting for its deletion: of a directory whatever names are left will go with it.
  bool is_removed() const { return has_item && orphan && item.nlink == 0; }
};

// One name in one directory and the three places that must agree on it.
struct LinkRecord {
  Key location;
  uint8_t type = 0;
  uint64_t index = 0;
  bool in_item = false, in_index = false, in_ref = false;
};

class SubvolumeRecords {
 public:
  SubvolumeRecords(CheckState& state, uint64_t root_id) : state_(state), root_id_(root_id) {}
  void add(const Key& key, ByteSpan data);
  void judge();

 private:
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    state_.error("root {}: {}", tree_name(root_id_), fmt::format(format, std::forward<Args>(args)...));
  }
  void add_dir_entries(const Key& key, ByteSpan data);
  void add_refs(const Key& key, ByteSpan data);
  void add_extrefs(const Key& key, ByteSpan data);
  void add_ref(uint64_t ino, uint64_t parent, uint64_t index, std::string_view name);
  void add_extent(const Key& key, ByteSpan data);
  void check_summed(const Key& key, const DiskFileExtent& extent);
  LinkRecord& link(uint64_t dir, std::string_view name);
  void judge_inode(uint64_t ino, const InodeRecord& inode);
  void judge_link(const std::string& name, const LinkRecord& link);

  CheckState& state_;
  const uint64_t root_id_;
  std::unordered_map<uint64_t, InodeRecord> inodes_;
  std::unordered_map<std::string, LinkRecord> links_;  // by directory (8 bytes) and name
};

}  // namespace butterfuse::check
