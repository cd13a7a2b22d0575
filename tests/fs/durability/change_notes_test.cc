// SPDX-License-Identifier: GPL-2.0-or-later
// ChangeNotes: many small changes stay many, up to a bound; beyond it the answer is a commit.
#include "fs/durability/change_notes.h"

#include <catch2/catch.hpp>

namespace butterfuse::change_notes_test {
namespace {

constexpr InodeKey kFile{5, 257};
constexpr uint64_t kTransid = 9, kBlock = 4096;

void note_scattered(ChangeNotes& notes, const InodeKey& key, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i)
    notes.extents_changed(key, ByteRange::at(2 * i * kBlock, kBlock), kTransid);
}

}  // namespace

TEST_CASE("thousands of scattered changes are noted one by one, and nothing between them") {
  ChangeNotes notes;
  note_scattered(notes, kFile, 15'000);
  const auto changed = notes.take_changed_extents(kFile);
  REQUIRE(changed);
  CHECK(changed->count() == 15'000);
  CHECK(changed->bytes() == 15'000 * kBlock);
  CHECK(notes.take_changed_extents(kFile)->empty());
}

TEST_CASE("changes in more places than a log takes are too many until they were asked for") {
  ChangeNotes notes;
  note_scattered(notes, kFile, 20'001);
  CHECK_FALSE(notes.take_changed_extents(kFile));
  note_scattered(notes, kFile, 3);
  CHECK(notes.take_changed_extents(kFile)->count() == 3);
}

TEST_CASE("one file's changes do not make those of another too many") {
  ChangeNotes notes;
  note_scattered(notes, kFile, 20'001);
  note_scattered(notes, {5, 258}, 300);
  CHECK(notes.take_changed_extents({5, 258})->count() == 300);
}

TEST_CASE("notes of the transaction before are gone with the first one of the next") {
  ChangeNotes notes;
  note_scattered(notes, kFile, 20'001);
  notes.extents_changed({5, 258}, {0, kBlock}, kTransid + 1);
  const auto changed = notes.take_changed_extents(kFile);
  REQUIRE(changed);
  CHECK(changed->empty());
}

}  // namespace butterfuse::change_notes_test
