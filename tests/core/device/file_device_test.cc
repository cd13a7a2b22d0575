// SPDX-License-Identifier: GPL-2.0-or-later
// FileDevice: reading, writing, bounds and locks of image files; block devices where loop devices can be had.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

#include "core/device/block_device.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::file_device_test {
namespace {

constexpr OpenOptions kWriter{.mode = OpenMode::read_write, .lock_wait_ms = 0};
constexpr OpenOptions kReader{.mode = OpenMode::read_only, .lock_wait_ms = 0};

struct ImageFile {
  TempDir dir;
  std::string path = dir / "image";
  explicit ImageFile(uint64_t bytes = 1 << 20) { make_sparse_file(path, bytes); }
};

std::vector<std::byte> bytes_of(char fill, size_t count) {
  return std::vector<std::byte>(count, std::byte(fill));
}

}  // namespace

TEST_CASE("what was written to an image file is read back, and lies in the file") {
  ImageFile image;
  auto device = open_file_device(image.path, kWriter);
  REQUIRE(device);
  CHECK((*device)->size_bytes() == 1 << 20);
  REQUIRE((*device)->write(4096, bytes_of('a', 4096), WriteKind::data));
  auto one = bytes_of('b', 4096);
  auto two = bytes_of('c', 100);
  REQUIRE((*device)->write_gather(8192, {one, {}, two}, WriteKind::data));
  REQUIRE((*device)->flush());
  std::vector<std::byte> back(4096 + 4096 + 100);
  REQUIRE((*device)->read(4096, back));
  CHECK(back[0] == std::byte('a'));
  CHECK(back[4096] == std::byte('b'));
  CHECK(back[8291] == std::byte('c'));
}

TEST_CASE("a gathered write of more pieces than one system call takes arrives whole") {
  ImageFile image(4 << 20);
  auto device = open_file_device(image.path, kWriter);
  REQUIRE(device);
  std::vector<std::vector<std::byte>> pieces;
  std::vector<ByteSpan> spans;
  for (int i = 0; i < 3000; ++i) pieces.push_back(bytes_of(static_cast<char>(i), 512));
  for (const auto& piece : pieces) spans.push_back(piece);
  REQUIRE((*device)->write_gather(512, spans, WriteKind::data));
  std::vector<std::byte> back(512 * 3000);
  REQUIRE((*device)->read(512, back));
  bool same = true;
  for (int i = 0; i < 3000; ++i) same = same && back[i * 512 + 511] == pieces[i][0];
  CHECK(same);
}

TEST_CASE("nothing is read or written beyond the end, and the file never grows") {
  ImageFile image;
  auto device = open_file_device(image.path, kWriter);
  REQUIRE(device);
  std::vector<std::byte> buffer(4096);
  CHECK((*device)->read((1 << 20) - 4095, buffer).error().code == EIO);
  CHECK((*device)->read(~uint64_t{0} - 10, buffer).error().code == EIO);
  CHECK((*device)->write(1 << 20, buffer, WriteKind::data).error().code == EIO);
  CHECK((*device)->write_gather((1 << 20) - 4096, {buffer, buffer}, WriteKind::data).error().code == EIO);
  (*device)->discard((1 << 20) - 4096, 8192);
  struct stat info {};
  stat(image.path.c_str(), &info);
  CHECK(info.st_size == 1 << 20);
}

TEST_CASE("an image that was made shorter is written no more, whatever its size is then") {
  ImageFile image;
  auto device = open_file_device(image.path, kWriter);
  REQUIRE(device);
  REQUIRE((*device)->write(0, bytes_of('a', 4096), WriteKind::data));
  REQUIRE((*device)->flush());
  SECTION("seen by a write") {
    REQUIRE(::truncate(image.path.c_str(), 8192) == 0);
    CHECK((*device)->write(4096, bytes_of('b', 4096), WriteKind::data).error().code == EIO);
    CHECK((*device)->write(65536, bytes_of('b', 4096), WriteKind::data).error().code == EIO);
    CHECK(std::filesystem::file_size(image.path) == 8192);
    REQUIRE(::truncate(image.path.c_str(), 1 << 20) == 0);
  }
  SECTION("seen by a read") {
    REQUIRE(::truncate(image.path.c_str(), 8192) == 0);
    auto back = bytes_of('x', 4096);
    CHECK((*device)->read(4096, back));
    CHECK((*device)->read(65536, back).error().code == EIO);
    REQUIRE(::truncate(image.path.c_str(), 1 << 20) == 0);
  }
  SECTION("seen by a flush") {
    REQUIRE((*device)->write(65536, bytes_of('b', 4096), WriteKind::data));
    REQUIRE(::truncate(image.path.c_str(), 8192) == 0);
    CHECK((*device)->flush().error().code == EIO);
    REQUIRE(::truncate(image.path.c_str(), 1 << 20) == 0);
  }
  CHECK((*device)->write(0, bytes_of('c', 4096), WriteKind::data).error().code == EIO);
  const auto bytes = bytes_of('c', 4096);
  CHECK((*device)->write_gather(0, {ByteSpan(bytes)}, WriteKind::data).error().code == EIO);
  CHECK((*device)->flush().error().code == EIO);
  auto back = bytes_of('x', 4096);
  CHECK((*device)->read(0, back));
  CHECK(back == bytes_of('a', 4096));
}

TEST_CASE("an image that grows, or loses its name, serves on") {
  ImageFile image;
  auto device = open_file_device(image.path, kWriter);
  REQUIRE(device);
  REQUIRE(::truncate(image.path.c_str(), 2 << 20) == 0);
  CHECK((*device)->size_bytes() == 1 << 20);
  CHECK((*device)->write(0, bytes_of('a', 4096), WriteKind::data));
  REQUIRE(::unlink(image.path.c_str()) == 0);
  CHECK((*device)->write(4096, bytes_of('b', 4096), WriteKind::data));
  CHECK((*device)->flush());
}

TEST_CASE("a device opened read-only is never written") {
  ImageFile image;
  { REQUIRE((*open_file_device(image.path, kWriter))->write(0, bytes_of('x', 4096), WriteKind::data)); }
  chmod(image.path.c_str(), 0444);
  auto device = open_file_device(image.path, kReader);
  REQUIRE(device);
  CHECK((*device)->read_only());
  CHECK((*device)->write(0, bytes_of('y', 512), WriteKind::data).error().code == EROFS);
  CHECK((*device)->write_gather(0, {bytes_of('y', 512)}, WriteKind::data).error().code == EROFS);
  (*device)->discard(0, 4096);
  CHECK((*device)->flush());
  std::vector<std::byte> back(4096);
  REQUIRE((*device)->read(0, back));
  CHECK(back == bytes_of('x', 4096));
}

TEST_CASE("discard makes a hole that reads as zeros") {
  ImageFile image;
  auto device = open_file_device(image.path, kWriter);
  REQUIRE(device);
  REQUIRE((*device)->write(65536, bytes_of('x', 8192), WriteKind::data));
  (*device)->discard(65536, 4096);
  std::vector<std::byte> back(8192);
  REQUIRE((*device)->read(65536, back));
  CHECK(back[0] == std::byte{0});
  CHECK(back[4096] == std::byte('x'));
}

TEST_CASE("readers share an image file, a writer has it alone") {
  ImageFile image;
  {
    auto reader = open_file_device(image.path, kReader);
    REQUIRE(reader);
    CHECK(open_file_device(image.path, kReader));
    auto writer = open_file_device(image.path, kWriter);
    REQUIRE_FALSE(writer);
    CHECK(writer.error().code == EBUSY);
    CHECK(writer.error().message.find(image.path) != std::string::npos);
  }
  auto writer = open_file_device(image.path, kWriter);
  REQUIRE(writer);
  CHECK(open_file_device(image.path, kWriter).error().code == EBUSY);
  CHECK(open_file_device(image.path, kReader).error().code == EBUSY);
  CHECK(open_file_device(image.path, {.mode = OpenMode::read_only, .lock = false}));
}

TEST_CASE("opening waits for the predecessor to end, but not for ever") {
  ImageFile image;
  auto first = open_file_device(image.path, kWriter);
  REQUIRE(first);
  auto begin = std::chrono::steady_clock::now();
  CHECK(open_file_device(image.path, {.lock_wait_ms = 150}).error().code == EBUSY);
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(150));
  std::thread ender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    first->reset();
  });
  CHECK(open_file_device(image.path, {.lock_wait_ms = 10'000}));
  ender.join();
}

TEST_CASE("what is neither a file nor a block device is refused") {
  TempDir dir;
  CHECK(open_file_device(dir.path(), kReader).error().code == ENOTBLK);
  CHECK(open_file_device("/dev/null", kReader).error().code == ENOTBLK);
  CHECK(open_file_device(dir / "missing", kReader).error().code == ENOENT);
}

TEST_CASE("a block device is opened exclusively for writing, and has its real size") {
  ImageFile image(8 << 20);
  if (!running_as_root()) {
    WARN("SKIP: needs root for a loop device");
    return;
  }
  CommandResult loop = run_command({"losetup", "--find", "--show", image.path});
  if (!loop.ok()) {
    WARN("SKIP: no loop device: " << loop.output);
    return;
  }
  std::string path = loop.output.substr(0, loop.output.find('\n'));
  {
    auto writer = open_file_device(path, kWriter);
    REQUIRE(writer);
    CHECK((*writer)->size_bytes() == 8 << 20);
    CHECK(open_file_device(path, kWriter).error().code == EBUSY);
    CHECK((*writer)->write(4096, bytes_of('d', 4096), WriteKind::data));
    CHECK((*writer)->flush());
    (*writer)->discard(4096, 4096);
  }
  CHECK(open_file_device(path, kWriter));
  run_command({"losetup", "--detach", path});
}

}  // namespace butterfuse::file_device_test
