// SPDX-License-Identifier: GPL-2.0-or-later
// The feature names of mkfs -O, those of mkfs.btrfs.
// A feature that is always on may be asked for, one that is not supported may be turned off: scripts do both.
#include <array>
#include <cerrno>

#include "core/mkfs/mkfs_options.h"

namespace butterfuse {
namespace {

struct FeatureName {
  std::string_view name, short_name;
  bool MkfsFeatures::*choice;  // null: not to be chosen here
  bool always_on;              // where there is no choice
  std::string_view meaning;
};

constexpr std::array<FeatureName, 11> kFeatureNames{{
    {"mixed-bg", "", nullptr, false, "data and metadata in the same block groups"},
    {"quota", "", nullptr, false, "quota groups"},
    {"extref", "", nullptr, true, "more than 65,535 hard links of an inode in one directory"},
    {"raid56", "", nullptr, false, "RAID5 and RAID6"},
    {"skinny-metadata", "", nullptr, true, "smaller extent items of tree blocks"},
    {"no-holes", "", &MkfsFeatures::no_holes, false, "no items for the holes of files"},
    {"free-space-tree", "fst", &MkfsFeatures::free_space_tree, false, "free space kept in a tree"},
    {"block-group-tree", "bgt", &MkfsFeatures::block_group_tree, false,
     "block groups in a tree of their own"},
    {"raid1c34", "", nullptr, true, "RAID1 with three or four copies, set where they are used"},
    {"zoned", "", nullptr, false, "zoned devices"},
    {"raid-stripe-tree", "rst", nullptr, false, "stripes of data extents in a tree"},
}};

const FeatureName* find_feature(std::string_view name) {
  for (const FeatureName& feature : kFeatureNames)
    if (name == feature.name || (!feature.short_name.empty() && name == feature.short_name)) return &feature;
  return nullptr;
}

Status apply_feature(std::string_view word, MkfsFeatures& features) {
  const bool wanted = word[0] != '^';
  const std::string_view name = wanted ? word : word.substr(1);
  const FeatureName* feature = find_feature(name);
  if (feature == nullptr) return make_error(EINVAL, "unrecognized file system feature '{}'", name);
  if (feature->choice != nullptr) {
    features.*feature->choice = wanted;
  } else if (wanted && !feature->always_on) {
    return make_error(EINVAL, "feature '{}' is not supported", name);
  } else if (!wanted && feature->always_on) {
    return make_error(EINVAL, "feature '{}' cannot be turned off", name);
  }
  return {};
}

}  // namespace

Status apply_feature_list(std::string_view list, MkfsFeatures& features) {
  bool block_group_tree_asked = false;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    if (!word.empty()) BF_TRY(apply_feature(word, features));
    block_group_tree_asked |= word == "block-group-tree" || word == "bgt";
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  // It is on by default, and gives way where what it needs was turned off; asked for, that is an error.
  if (!block_group_tree_asked) features.block_group_tree &= features.free_space_tree && features.no_holes;
  return {};
}

std::string feature_list_text() {
  const MkfsFeatures defaults;
  std::string text;
  for (const FeatureName& feature : kFeatureNames) {
    const bool is_default = feature.choice != nullptr ? defaults.*feature.choice : feature.always_on;
    const char* state = feature.choice != nullptr ? (is_default ? " (default)" : "")
                        : feature.always_on       ? " (always on)"
                                                  : " (not supported)";
    text += fmt::format("{:<20}- {}{}\n", feature.name, feature.meaning, state);
  }
  return text;
}

}  // namespace butterfuse
