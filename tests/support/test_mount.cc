// SPDX-License-Identifier: GPL-2.0-or-later
// TestMount: mkfs, mount, and the everyday operations with errors as exceptions.
#include "tests/support/test_mount.h"

#include <fcntl.h>

#include "core/check/checker.h"
#include "core/device/block_device.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/names/lookup.h"
#include "fs/options/parse_options.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/run_command.h"

using namespace butterfuse;

namespace {

void run_or_throw(const std::vector<std::string>& command) {
  const auto result = run_command(command);
  if (!result.ok()) throw std::runtime_error(command.front() + ": " + result.output);
}

InodePtr pin(Mount& mount, Inode& inode) { return must(mount.inodes().get(inode.key())); }

}  // namespace

TestMount::TestMount(const std::string& options, const std::vector<std::string>& arguments) {
  make_sparse_file(path_, 512ull << 20);
  std::vector<std::string> command{"mkfs.btrfs", "-q"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.push_back(path_);
  run_or_throw(command);
  open(options);
}

std::unique_ptr<TestMount> TestMount::of_copy(const std::string& image, const std::string& options) {
  std::unique_ptr<TestMount> made(new TestMount(NoImage::yet));
  run_or_throw({"cp", "--sparse=always", image, made->path_});
  made->open(options);
  return made;
}

TestMount::~TestMount() = default;

void TestMount::open(const std::string& options) {
  MountOptions parsed;
  must(parse_mount_options(options, parsed));
  OpenOptions how;
  how.mode = parsed.read_only ? OpenMode::read_only : OpenMode::read_write;
  mount_ = must(Mount::open(must(open_file_device(path_, how)), parsed));
}

void TestMount::close() {
  must(mount_->close());
  mount_.reset();
}

void TestMount::remount(const std::string& options) {
  close();
  open(options);
}

void TestMount::crash() {
  const std::string copy = directory_ / "crashed";
  run_or_throw({"cp", "--sparse=always", path_, copy});
  must(mount_->close());
  mount_.reset();
  run_or_throw({"mv", copy, path_});
  open("");
}

std::string TestMount::close_and_check() {
  close();
  return btrfs_check(path_);
}

uint64_t TestMount::close_and_count_errors() {
  close();
  return must(check_filesystem(must(open_file_device(path_, {.mode = OpenMode::read_only})), {})).errors;
}

InodePtr TestMount::create(Inode& dir, const std::string& name, uint32_t mode) {
  NewInode what;
  what.mode = mode;
  return must(butterfuse::create(*mount_, dir, name, what, Caller{}));
}

bool TestMount::exists(Inode& dir, const std::string& name) {
  return must(lookup(*mount_, dir, name)).has_value();
}

InodePtr TestMount::get(Inode& dir, const std::string& name) {
  return must(lookup_existing(*mount_, dir, name));
}

void TestMount::write(Inode& inode, uint64_t offset, const std::string& text) {
  auto file = must(open_file(*mount_, pin(*mount_, inode), O_RDWR, Caller{}));
  WriteRequest request;
  request.offset = offset;
  request.pieces.push_back(as_bytes(text));
  if (must(write_file(*mount_, *file, request, Caller{})) != text.size())
    throw std::runtime_error("short write");
}

std::string TestMount::read(Inode& inode) {
  auto file = must(open_file(*mount_, pin(*mount_, inode), O_RDONLY, Caller{}));
  std::string text;
  must(read_file(*mount_, *file, 0, inode.item().size, [&](const std::vector<ByteSpan>& pieces) {
    for (ByteSpan piece : pieces) text += as_text(piece);
  }));
  return text;
}
