// SPDX-License-Identifier: GPL-2.0-or-later
// Effects of mount options: which word decides, and what same_effect() tells apart.
#include <catch2/catch.hpp>
#include <set>

#include "fs/options/option_table.h"
#include "tests/fs/options/parsed_options.h"

namespace butterfuse::option_effects_test {

TEST_CASE("the last word of a subject wins, whichever it is") {
  // Two words of a subject in both orders: the same as the last one alone, be that the default or not.
  const std::pair<const char*, const char*> kSubjects[] = {{"ro", "rw"},
                                                           {"noatime", "relatime"},
                                                           {"noatime", "strictatime"},
                                                           {"noatime", "atime"},
                                                           {"diratime", "nodiratime"},
                                                           {"acl", "noacl"},
                                                           {"treelog", "notreelog"},
                                                           {"discard", "nodiscard"},
                                                           {"discard=async", "nodiscard"},
                                                           {"flushoncommit", "noflushoncommit"},
                                                           {"symfollow", "nosymfollow"},
                                                           {"compress=zstd", "compress=no"},
                                                           {"compress=zstd:5", "compress-force=lzo"},
                                                           {"compress", "nodatacow"},
                                                           {"commit=5", "commit=7"},
                                                           {"allow_other", "allow_root"},
                                                           {"subvol=/a", "subvol=/b"},
                                                           {"uid=1", "uid=2"},
                                                           {"umask=7", "umask=0"},
                                                           {"sandbox=off", "sandbox=on"},
                                                           {"max_read=4k", "max_read=64k"},
                                                           {"writeback_cache", "no_writeback_cache"},
                                                           {"logreplay", "nologreplay"},
                                                           {"norecovery", "logreplay"}};
  for (const auto& [a, b] : kSubjects) {
    INFO(a << " and " << b);
    CHECK(same_effect(parse(fmt::format("{},{}", a, b)), parse(b)));
    CHECK(same_effect(parse(fmt::format("{},{}", b, a)), parse(a)));
  }
}

TEST_CASE("what an option asks for is seen in the comparison of two sets, or is what would be without it") {
  const std::set<std::string_view> defaults = {"rw",
                                               "datacow",
                                               "datasum",
                                               "nodiscard",
                                               "noflushoncommit",
                                               "treelog",
                                               "acl",
                                               "no_writeback_cache",
                                               "logreplay",
                                               "relatime",
                                               "atime",
                                               "norelatime",
                                               "nostrictatime",
                                               "diratime",
                                               "symfollow",
                                               "default_permissions"};
  for (const MountOptionGroup& group : mount_option_groups())
    for (const MountOptionRow& row : group.rows) {
      if (row.effect != OptionEffect::acted_on || !row.value.empty() || row.name.ends_with('*')) continue;
      INFO(row.name);
      CHECK(same_effect(parse(row.name), parse("")) == defaults.contains(row.name));
    }
  for (const char* word : {"usebackuproot", "ignorebadroots", "ignoremetacsums", "ignoredatacsums",
                           "ignoresuperflags", "nologreplay"})
    CHECK_FALSE(same_effect(parse(fmt::format("ro,rescue={}", word)), parse("ro")));
  for (const char* word : {"part=1", "offset=4096", "sizelimit=1G", "device=/x"})
    CHECK_FALSE(same_effect(parse(word), parse("")));
}

}  // namespace butterfuse::option_effects_test
