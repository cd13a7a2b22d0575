// SPDX-License-Identifier: GPL-2.0-or-later
// MountNotes: the manual of mount has each option of the table.
#include "cli/mount_notes.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "fs/options/option_table.h"

namespace butterfuse::mount_notes_test {
namespace {

std::string note_of(OptionEffect effect) {
  return effect == OptionEffect::refused     ? "(refused) "
         : effect == OptionEffect::no_effect ? "(no effect) "
                                             : "";
}

}  // namespace

TEST_CASE("each option has its name, its value and its help, in the groups of the table") {
  const CommandNotes notes = mount_notes();
  const auto groups = mount_option_groups();
  REQUIRE(notes.lists.size() == groups.size());
  size_t rows = 0;
  for (size_t at = 0; at < groups.size(); ++at) {
    INFO(groups[at].title);
    CHECK(notes.lists[at].title == groups[at].title);
    REQUIRE(notes.lists[at].entries.size() == groups[at].rows.size());
    for (size_t row = 0; row < groups[at].rows.size(); ++row, ++rows) {
      const MountOptionRow& option = groups[at].rows[row];
      CHECK(notes.lists[at].entries[row].term == fmt::format("{}{}", option.name, option.value));
      CHECK(notes.lists[at].entries[row].text == note_of(option.effect) + std::string(option.help));
    }
  }
  CHECK(rows > 100);
}

}  // namespace butterfuse::mount_notes_test
