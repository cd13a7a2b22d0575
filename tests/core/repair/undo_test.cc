// SPDX-License-Identifier: GPL-2.0-or-later
// Undo: it takes back what the repair wrote, and nothing that anybody wrote since.
#include "core/repair/undo.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "core/base/checksum.h"
#include "core/base/le.h"
#include "core/device/fault_device.h"
#include "core/items/xattr_item.h"
#include "core/volume/superblock.h"
#include "tests/core/repair/victim.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/run_command.h"
#include "tests/support/same_content.h"
#include "tests/support/tamper.h"
#include "tests/support/test_mount.h"

namespace butterfuse::undo_test {
namespace {

// An image that was broken, and repaired with an undo log.
class RepairedImage {
 public:
  RepairedImage() {
    TestMount test;
    for (int number = 0; number < 20; ++number)
      test.write(*test.create(test.root(), "old" + std::to_string(number)), 0, "old");
    test.close();
    must_copy(test.path(), path());
    edit_item(path(), objectid::kExtentTree, {0, key_type::kExtentItem, 0}, [](Victim& victim) {
      victim.change<DiskExtentItem>([](DiskExtentItem& item) { item.refs = 5; });
    });
    must_copy(path(), broken());
    repaired_ = repair_file(path(), log());
    REQUIRE(repaired_.before > 0);
    REQUIRE(repaired_.after == 0);
  }

  std::string path() const { return folder_ / "image"; }
  std::string broken() const { return folder_ / "broken"; }
  std::string log() const { return folder_ / "undo"; }
  uint64_t errors() const { return repaired_.before; }

  Result<std::unique_ptr<repair::Undo>> plan() const {
    return repair::Undo::plan(log(), {must(open_file_device(path(), {}))});
  }
  bool is_as_broken() const { return same_content(path(), broken()); }
  // Refused with this errno, and nothing is changed.
  void check_refused(int code) const {
    must_copy(path(), folder_ / "before");
    {
      const auto refused = plan();
      REQUIRE_FALSE(refused);
      INFO(refused.error().message);
      CHECK(refused.error().code == code);
    }
    CHECK(same_content(path(), folder_ / "before"));
  }
  static void must_copy(const std::string& from, const std::string& to) {
    REQUIRE(run_command({"cp", "--sparse=always", from, to}).ok());
  }

 private:
  TempDir folder_;
  Repaired repaired_;
};

void edit_log(const std::string& path, const std::function<void(std::string&)>& edit) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  edit(text);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace

TEST_CASE("an undo brings every byte back, with the errors that were there") {
  if (!have_btrfs_progs()) return;
  const RepairedImage image;
  {
    const auto undo = must(image.plan());
    CHECK(must(undo->check({})).errors == image.errors());
    CHECK(undo->errors_before_repair() == image.errors());
    must(undo->write());
  }
  CHECK(image.is_as_broken());
  must(must(image.plan())->write());  // again: it may have been cut short
  CHECK(image.is_as_broken());
}

TEST_CASE("an undo that was cut short is done again") {
  if (!have_btrfs_progs()) return;
  const RepairedImage image;
  const uint64_t nth = GENERATE(1, 2, 3);
  {
    auto faulty = std::make_shared<FaultDevice>(must(open_file_device(image.path(), {})));
    const auto undo = must(repair::Undo::plan(image.log(), {faulty}));
    faulty->fail_nth(FaultOperation::write, nth, EIO);
    CHECK_FALSE(undo->write());
  }
  must(must(image.plan())->write());
  CHECK(image.is_as_broken());
}

TEST_CASE("an undo is refused when a commit came since") {
  if (!have_btrfs_progs()) return;
  const RepairedImage image;
  tamper(image.path(), [](Filesystem& filesystem, Tree& tree) {
    TransactionHandle handle = must(filesystem.begin(4));
    must(write_xattr(tree, handle, objectid::kFirstFree, "user.new", as_bytes("value")));
  });
  image.check_refused(EBUSY);
}

TEST_CASE("an undo is refused when there is a log tree since") {
  if (!have_btrfs_progs()) return;
  const RepairedImage image;
  {
    const auto volume = open_volume(image.path());
    DiskSuper super = volume->super();
    super.log_root = super.root + super.nodesize;  // as an fsync leaves it; the generation stays
    must(volume->write_supers(super));
  }
  image.check_refused(EBUSY);
}

TEST_CASE("an undo is refused when one byte that it would overwrite is another") {
  if (!have_btrfs_progs()) return;
  const RepairedImage image;
  {
    const auto log = must(repair::UndoLog::read(image.log()));
    const auto device = must(open_file_device(image.path(), {}));
    const repair::LoggedPage& page = log->pages().at(log->pages().size() / 2);
    std::vector<std::byte> bytes(page.old_bytes.size());
    must(device->read(page.offset, bytes));
    bytes.back() ^= std::byte{1};
    must(device->write(page.offset, bytes, WriteKind::metadata));
  }
  image.check_refused(EBUSY);
}

TEST_CASE("an undo log that is damaged, cut or of something else is refused") {
  if (!have_btrfs_progs()) return;
  const RepairedImage image;
  SECTION("a flipped bit") {
    edit_log(image.log(), [](std::string& text) { text[text.size() / 2] ^= 1; });
    image.check_refused(EUCLEAN);
  }
  SECTION("cut to its beginning") {
    edit_log(image.log(), [](std::string& text) { text.resize(20); });
    image.check_refused(EUCLEAN);
  }
  SECTION("cut by a byte") {
    edit_log(image.log(), [](std::string& text) { text.pop_back(); });
    image.check_refused(EUCLEAN);
  }
  // Of one log in 256 the checksum is right for what is left, too: where the last byte is the lowest of the
  // sum of all before it.
  SECTION("cut by a byte, and the checksum says nothing") {
    edit_log(image.log(), [](std::string& text) {
      const auto sum_of = [&](size_t bytes) { return crc32c_raw(~uint32_t{0}, as_bytes(text).first(bytes)); };
      const size_t end = text.size() - sizeof(uint32_t);
      text[end - 1] = static_cast<char>(sum_of(end - 1));
      const le32 sum = sum_of(end);
      text.replace(end, sizeof sum, as_text(object_bytes(sum)));
    });
    CHECK(image.plan());  // whole
    edit_log(image.log(), [](std::string& text) { text.pop_back(); });
    image.check_refused(EUCLEAN);
  }
  SECTION("empty") {
    edit_log(image.log(), [](std::string& text) { text.clear(); });
    image.check_refused(EINVAL);
  }
  SECTION("something else") {
    edit_log(image.log(), [](std::string& text) { text = std::string(5000, 'x'); });
    image.check_refused(EINVAL);
  }
  SECTION("another image of the same size") {
    const TestMount other;
    RepairedImage::must_copy(other.path(), image.path());
    image.check_refused(EINVAL);
  }
}

}  // namespace butterfuse::undo_test
