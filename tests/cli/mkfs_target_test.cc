// SPDX-License-Identifier: GPL-2.0-or-later
// MkfsTargets: what is looked at first, what is made, and what is taken back.
#include "cli/mkfs_target.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "tests/cli/image_files.h"

namespace butterfuse::mkfs_target_test {
namespace {

constexpr uint64_t kMiB = ImageFiles::kMiB;

int refusal(const std::vector<std::string>& paths, const MkfsTargetOptions& options) {
  const auto targets = MkfsTargets::prepare(paths, options);
  return targets ? 0 : targets.error().code;
}

bool is_there(const std::string& path) { return std::filesystem::exists(path); }

}  // namespace

TEST_CASE(
    "an image that is missing is made as long as asked, of holes, and is gone again unless it is kept") {
  const ImageFiles images;
  const std::string path = images.at("new");
  {
    const auto targets = must(MkfsTargets::prepare({path}, {.byte_count = 200 * kMiB, .window = {}}));
    CHECK(std::filesystem::file_size(path) == 200 * kMiB);
    CHECK(allocated_bytes(path) == 0);
  }
  CHECK_FALSE(is_there(path));
  {
    auto targets = must(MkfsTargets::prepare({path}, {.byte_count = 200 * kMiB, .window = {}}));
    targets.keep();
  }
  CHECK(is_there(path));
}

TEST_CASE("an image that is too short grows, and is as short again unless it is kept") {
  const ImageFiles images;
  const std::string path = images.sparse("image", 10 * kMiB);
  {
    auto targets = must(MkfsTargets::prepare({path}, {.byte_count = 200 * kMiB, .window = {}}));
    CHECK(std::filesystem::file_size(path) == 200 * kMiB);
    const MkfsTargets moved = std::move(targets);
    CHECK(std::filesystem::file_size(path) == 200 * kMiB);
  }
  CHECK(std::filesystem::file_size(path) == 10 * kMiB);
}

TEST_CASE("an image that is longer stays as it is") {
  const ImageFiles images;
  const std::string path = images.sparse("image", 300 * kMiB);
  auto targets = must(MkfsTargets::prepare({path}, {.byte_count = 200 * kMiB, .window = {}}));
  targets.keep();
  CHECK(std::filesystem::file_size(path) == 300 * kMiB);
}

TEST_CASE("a missing image of unknown length is refused with the option that makes it") {
  const ImageFiles images;
  const auto targets = MkfsTargets::prepare({images.at("none")}, {});
  REQUIRE(!targets);
  CHECK(targets.error().code == ENOENT);
  CHECK(targets.error().message.find("-b SIZE") != std::string::npos);
  CHECK(refusal({images.at("none")}, {.byte_count = kMiB, .window = {.offset = 4096}}) == ENOENT);
  CHECK(refusal({images.at("none") + "/below"}, {.byte_count = kMiB, .window = {}}) != 0);
  CHECK_FALSE(is_there(images.at("none")));
}

TEST_CASE("what is neither file nor device is refused") {
  const ImageFiles images;
  REQUIRE(::mkfifo(images.at("fifo").c_str(), 0600) == 0);
  CHECK(refusal({images.folder.path()}, {.byte_count = kMiB, .window = {}}) == ENOTBLK);
  CHECK(refusal({images.at("fifo")}, {.byte_count = kMiB, .force = true, .window = {}}) == ENOTBLK);
  CHECK(refusal({"/dev/null"}, {.force = true, .window = {}}) == ENOTBLK);
}

TEST_CASE("what has a file system is refused by its name, and forced") {
  const ImageFiles images;
  const std::string path = images.filesystem("image");
  const auto targets = MkfsTargets::prepare({path}, {});
  REQUIRE(!targets);
  CHECK(targets.error().code == EEXIST);
  CHECK(targets.error().message.find("btrfs") != std::string::npos);
  CHECK(targets.error().message.find("-f") != std::string::npos);
  CHECK(refusal({path}, {.force = true, .window = {}}) == 0);
  CHECK(refusal({images.disk("disk")}, {}) == EEXIST);  // partitions are something, too
}

TEST_CASE("of a partition its own content counts, and one that is not there is told") {
  const ImageFiles images;
  const std::string disk = images.disk("disk");
  CHECK(refusal({disk}, {.window = {.partition = 1}}) == 0);
  CHECK(refusal({disk}, {.window = {.partition = 2}}) == EINVAL);
}

TEST_CASE("what another has open is busy, even when it is forced") {
  const ImageFiles images;
  const std::string path = images.sparse("image");
  const auto open = must(open_file_device(path, {}));
  CHECK(refusal({path}, {.force = true, .window = {}, .lock_wait_ms = 0}) == EBUSY);
}

TEST_CASE("all are looked at before the first is made") {
  const ImageFiles images;
  const std::string fresh = images.at("new"), small = images.sparse("small", kMiB),
                    used = images.filesystem("used");
  CHECK(refusal({fresh, small, used}, {.byte_count = 200 * kMiB, .window = {}}) == EEXIST);
  CHECK_FALSE(is_there(fresh));
  CHECK(std::filesystem::file_size(small) == kMiB);
}

TEST_CASE("where one can't be made those before it are taken back") {
  const ImageFiles images;
  const std::string fresh = images.at("new"), small = images.sparse("small", kMiB);
  CHECK(refusal({fresh, small, images.at("no/folder")}, {.byte_count = 200 * kMiB, .window = {}}) == ENOENT);
  CHECK_FALSE(is_there(fresh));
  CHECK(std::filesystem::file_size(small) == kMiB);
  CHECK(refusal({fresh}, {.byte_count = ~uint64_t{0}, .window = {}}) == EFBIG);
  CHECK_FALSE(is_there(fresh));
}

}  // namespace butterfuse::mkfs_target_test
