// SPDX-License-Identifier: GPL-2.0-or-later
// MountOptionRow: one mount option: its name, its value, and what becomes of it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "fs/options/options.h"

namespace butterfuse {

// One word of an option string, taken apart.
struct OptionWord {
  std::string name;
  std::optional<std::string> value;  // without quotes and escapes
  std::string word;                  // as it was written
  std::string text() const { return value ? name + "=" + *value : name; }
};

enum class OptionEffect {
  acted_on,
  no_effect,    // taken so that the options of other systems fit; what it asks for makes no difference here
  for_helpers,  // read by mount(8), systemd and others before we see it
  refused,      // known, and not to be had
};

// One row for each name: of two the first would be found, and the other one never.
struct MountOptionRow {
  std::string_view name;   // one that ends with '*' stands for all that begin so and have no row of their own
  std::string_view value;  // "": it takes none; "=SECONDS": it needs one; "[=sync|async]": as you like
  OptionEffect effect;
  std::string_view help;  // one line; of a refused one the reason
  // EINVAL without a message: a value it does not take, which the caller tells with those that it does.
  std::function<Status(const OptionWord&, MountOptions&)> apply;
};

// What belongs together for who reads the help; the parser knows no groups.
struct MountOptionGroup {
  std::string_view title;
  std::vector<MountOptionRow> rows;
};

// All there are, in the order in which people should see them.
std::span<const MountOptionGroup> mount_option_groups();
// Null for a name that no row has.
const MountOptionRow* find_mount_option(std::string_view name);

// The groups, one file each.
MountOptionGroup source_option_group();
MountOptionGroup data_option_group();
MountOptionGroup damage_option_group();
MountOptionGroup owner_option_group();
MountOptionGroup mount_option_group();
MountOptionGroup fuse_option_group();
MountOptionGroup btrfs_option_group();
MountOptionGroup helper_option_group();

}  // namespace butterfuse
