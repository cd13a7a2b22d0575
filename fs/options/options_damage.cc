// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: reading what is damaged.
#include <algorithm>

#include "fs/options/option_rows.h"

namespace butterfuse {
namespace {

struct RescueWord {
  std::string_view name, short_name;
  void (*apply)(MountOptions&);
};

// As btrfs(5) names them. All of them only loosen what a mount asks of the image: none repairs anything,
// hence `ro` (check_mount_options).
constexpr RescueWord kRescueWords[] = {
    {"nologreplay", "", [](MountOptions& m) { m.replay_log = false; }},
    {"ignoredatacsums", "idatacsums", [](MountOptions& m) { m.check_data_csums = false; }},
    {"ignoremetacsums", "imetacsums", [](MountOptions& m) { m.rescue.metadata_csums = true; }},
    {"ignorebadroots", "ibadroots", [](MountOptions& m) { m.rescue.bad_roots = true; }},
    {"ignoresuperflags", "isuperflags", [](MountOptions& m) { m.rescue.super_flags = true; }},
    {"usebackuproot", "", [](MountOptions& m) { m.rescue.backup_roots = true; }},
};

// Words with colons between, as in "rescue=ibadroots:nologreplay"; "all" is each of them. An empty one is
// wrong, but not seen behind the last colon.
Status parse_rescue(const OptionWord& option, MountOptions& options) {
  std::string_view text = *option.value;
  if (text.empty()) return bad_option_value();
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(':'));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    bool known = false;
    for (const RescueWord& row : kRescueWords) {
      if (word.empty() || (word != row.name && word != row.short_name && word != "all")) continue;
      row.apply(options);
      known = true;
    }
    if (!known) return bad_option_value();
  }
  return {};
}

void use_backup_roots(MountOptions& options) { options.rescue.backup_roots = true; }
void leave_the_log(MountOptions& options) { options.replay_log = false; }

}  // namespace

MountOptionGroup damage_option_group() {
  using enum OptionEffect;
  return {
      "Damaged images (all of these with ro)",
      {
          {"rescue",
           "=usebackuproot|nologreplay|ignorebadroots|ignoremetacsums|ignoredatacsums|ignoresuperflags|all",
           acted_on,
           "read in spite of damage; several words with ':' between, ibadroots, imetacsums, idatacsums, "
           "isuperflags for short",
           parse_rescue},
          flag_row("usebackuproot",
                   "rescue=usebackuproot: an older root tree where the last one can't be read",
                   use_backup_roots),
          flag_row("recovery", "the old name of usebackuproot", use_backup_roots),
          flag_row("logreplay", "replay the log tree, in memory where that can't be written (the default)",
                   [](MountOptions& m) { m.replay_log = true; }),
          flag_row("nologreplay", "rescue=nologreplay: leave the log tree alone", leave_the_log),
          flag_row("norecovery", "another name of nologreplay", leave_the_log),
      }};
}

}  // namespace butterfuse
