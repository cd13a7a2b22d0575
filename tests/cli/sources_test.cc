// SPDX-License-Identifier: GPL-2.0-or-later
// Sources: which names are one device, who else has it, and what part of it is meant.
#include "cli/sources.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "core/volume/superblock.h"
#include "tests/cli/image_files.h"
#include "tests/cli/process/printed.h"

namespace butterfuse::sources_test {
namespace {

constexpr OpenOptions kWriting{.mode = OpenMode::read_write, .lock_wait_ms = 0};
constexpr OpenOptions kReading{.mode = OpenMode::read_only, .lock_wait_ms = 0};

// Its superblocks say that it is a seed from now on.
void make_seed(const std::string& path) {
  const auto device = must(open_file_device(path, {}));
  for (int mirror = 0; mirror < 2; ++mirror) {
    DiskSuper super = must(read_super_mirror(*device, mirror));
    super.flags = super.flags | super_flag::kSeeding;
    seal_super(super, mirror);
    must(device->write(super_mirror_offset(mirror), object_bytes(super), WriteKind::super));
  }
}

std::string window_text(const std::string& offset, const std::string& sizelimit) {
  const WindowArguments arguments{.offset = offset, .sizelimit = sizelimit};
  const auto window = arguments.window();
  return window ? std::to_string(window->offset) + "+" + std::to_string(window->bytes)
                : window.error().message;
}

}  // namespace

TEST_CASE("sources are opened in their order, for what is asked") {
  const ImageFiles images;
  const std::vector<std::string> paths = {images.sparse("b"), images.sparse("a")};
  const auto devices = must(open_sources(paths, kReading));
  REQUIRE(devices.size() == 2);
  CHECK(devices[0]->path() == paths[0]);
  CHECK(devices[1]->path() == paths[1]);
  CHECK(devices[0]->read_only());
}

TEST_CASE("two names of one file are one device, and that is told with both") {
  const ImageFiles images;
  const std::string image = images.sparse("image");
  std::filesystem::create_symlink("image", images.at("symlink"));
  std::filesystem::create_hard_link(image, images.at("link"));
  for (const std::string& other :
       {image, images.at("symlink"), images.at("link"), images.folder.path() + "/./image"}) {
    INFO(other);
    const auto opened = open_sources({image, other}, kReading);
    REQUIRE(!opened);
    CHECK(opened.error().code == EEXIST);
    CHECK(opened.error().message == image + " and " + other + " are the same device");
  }
}

TEST_CASE("a source that is not there is named, and none of the others stays open") {
  const ImageFiles images;
  const std::string image = images.sparse("image");
  const auto opened = open_sources({image, images.at("none")}, kWriting);
  REQUIRE(!opened);
  CHECK(opened.error().code == ENOENT);
  CHECK(opened.error().message.find(images.at("none")) != std::string::npos);
  CHECK(open_sources({image}, kWriting));
}

TEST_CASE("what another has open for writing is refused") {
  const ImageFiles images;
  const std::string image = images.sparse("image");
  const auto first = must(open_sources({image}, kWriting));
  for (const OpenOptions& how : {kWriting, kReading}) {
    const auto second = open_sources({image}, how);
    REQUIRE(!second);
    CHECK(second.error().code == EBUSY);
    CHECK(second.error().message.find(image) != std::string::npos);
  }
}

TEST_CASE("a seed beside others is opened read-only, and alone as it is asked for") {
  const ImageFiles images;
  const std::string seed = images.filesystem("seed"), sprout = images.filesystem("sprout");
  make_seed(seed);
  {
    const auto devices = must(open_sources({seed, sprout}, kWriting));
    CHECK(devices[0]->read_only());
    CHECK_FALSE(devices[1]->read_only());
  }
  CHECK_FALSE(must(open_sources({seed}, kWriting)).front()->read_only());
}

TEST_CASE("others are added once each, by whatever name") {
  const ImageFiles images;
  const std::string a = images.sparse("a"), b = images.sparse("b"), none = images.at("none");
  std::filesystem::create_symlink("b", images.at("c"));
  CHECK(with_others({a}, {b, images.at("c"), a}) == std::vector<std::string>{a, b});
  CHECK(with_others({a}, {images.at("c"), b}) == std::vector<std::string>{a, images.at("c")});
  CHECK(with_others({a}, {none}) == std::vector<std::string>{a, none});  // opening it will tell
}

TEST_CASE("a window is given in sizes, which may be wrong") {
  CHECK(window_text("", "") == "0+0");
  CHECK(window_text("1M", "2G") == "1048576+2147483648");
  CHECK(window_text("4096", "") == "4096+0");
  CHECK(window_text("x", "").find("offset") != std::string::npos);
  CHECK(window_text("", "-1").find("size limit") != std::string::npos);
}

TEST_CASE("each source's window is opened") {
  const ImageFiles images;
  const auto devices = must(
      open_sources({images.disk("disk")}, kReading, DeviceWindow{.offset = 0, .bytes = 0, .partition = 1}));
  CHECK(devices.front()->size_bytes() == 64 * ImageFiles::kMiB);
}

TEST_CASE("where there is no btrfs the partitions are named that may have one, and nowhere else") {
  const ImageFiles images;
  const std::string disk = images.disk("disk");
  const Error plain{EINVAL, "disk: not a btrfs file system"};
  CHECK(with_partitions(plain, disk).message == plain.message + "; it has partitions: 1 (64 MiB at 1 MiB)");
  CHECK(with_partitions(plain, disk).code == EINVAL);
  CHECK(with_partitions(plain, images.sparse("empty")).message == plain.message);
  CHECK(with_partitions(plain, images.at("none")).message == plain.message);
  CHECK(with_partitions(Error{EIO, "disk: it can't be read"}, disk).message == "disk: it can't be read");
}

TEST_CASE("a message has one name in front") {
  CHECK(named_message({"a", "b"}, "is broken") == "a: is broken");
  CHECK(named_message({"a", "b"}, "a: is broken") == "a: is broken");
  CHECK(named_message({"a", "b"}, "b: is broken") == "b: is broken");
  CHECK(named_message({"a", "b"}, "ab: is broken") == "a: ab: is broken");
}

}  // namespace butterfuse::sources_test
