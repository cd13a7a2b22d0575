// SPDX-License-Identifier: GPL-2.0-or-later
// fs-verity: what is read of a sealed file is what was sealed, and nothing changes it.
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "core/items/inode_item.h"
#include "core/verity/verity_descriptor.h"
#include "fs/control/inode_flags.h"
#include "fs/control/ioctl.h"
#include "fs/data/copy_range.h"
#include "fs/data/fallocate.h"
#include "fs/data/file.h"
#include "fs/data/set_attr.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/tamper.h"
#include "tests/support/test_mount.h"

namespace butterfuse::verity_test {
namespace {

constexpr size_t kDescriptorBytes = 256, kPieceBytes = 2048;

struct Seal {
  uint8_t hash = 1;
  uint8_t block_bits = 12;
  std::string salt;
  std::string tree{};        // made by finish()
  std::string descriptor{};  // the same

  size_t block() const { return size_t{1} << block_bits; }
  std::string digest(const std::string& bytes) const {
    std::string padded = salt;
    if (!salt.empty()) padded.resize(hash == 1 ? 64 : 128);
    const VerityDigest value = digest_of(static_cast<VerityHash>(hash), {as_bytes(padded), as_bytes(bytes)});
    return {reinterpret_cast<const char*>(value.data()), hash == 1 ? size_t{32} : size_t{64}};
  }
  // The hashes of all blocks, put together.
  std::string level_above(std::string level) const {
    level.resize(round_up(level.size(), block()));
    std::string above;
    for (size_t at = 0; at < level.size(); at += block()) above += digest(level.substr(at, block()));
    return above;
  }
  Seal& finish(const std::string& content) {
    std::string level = level_above(content), all;
    while (level.size() > (hash == 1 ? 32u : 64u)) {
      level.resize(round_up(level.size(), block()));
      all = level + all;  // the root block comes first
      level = level_above(level);
    }
    tree = all;
    descriptor.assign(kDescriptorBytes, '\0');
    descriptor[0] = 1;
    descriptor[1] = static_cast<char>(hash);
    descriptor[2] = static_cast<char>(block_bits);
    descriptor[3] = static_cast<char>(salt.size());
    const uint64_t size = content.size();
    std::memcpy(descriptor.data() + 8, &size, sizeof(size));
    std::memcpy(descriptor.data() + 16, level.data(), level.size());
    std::memcpy(descriptor.data() + 80, salt.data(), salt.size());
    return *this;
  }
};

std::string some_text(size_t bytes) {
  std::string text(bytes, '\0');
  uint32_t state = 12345;
  for (char& byte : text) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

void insert_pieces(Tree& tree, TransactionHandle& handle, uint64_t ino, uint8_t type, uint64_t offset,
                   const std::string& bytes) {
  WriteCursor cursor(tree, handle);
  for (size_t at = 0; at < bytes.size(); at += kPieceBytes)
    must(cursor.insert(Key{ino, type, offset + at},
                       as_bytes(std::string_view(bytes).substr(at, kPieceBytes))));
}

// Makes "file" what a kernel leaves of it.
void apply(TestMount& test, uint64_t ino, const Seal& seal, bool with_descriptor = true) {
  test.close();
  tamper(test.path(), [&](Filesystem& filesystem, Tree& tree) {
    auto handle = must(filesystem.begin(200));
    if (with_descriptor) {
      std::string size(25, '\0');
      const uint64_t bytes = seal.descriptor.size();
      std::memcpy(size.data(), &bytes, sizeof(bytes));
      insert_pieces(tree, handle, ino, key_type::kVerityDesc, 0, size);
      insert_pieces(tree, handle, ino, key_type::kVerityDesc, 1, seal.descriptor);
    }
    insert_pieces(tree, handle, ino, key_type::kVerityMerkle, 0, seal.tree);
    InodeItem item = must(read_inode_item(tree, ino));
    item.flags |= inode_flag::kRoVerity;
    must(write_inode_item(tree, handle, ino, item));
  });
  test.open("");
}

uint64_t make_file(TestMount& test, const std::string& content) {
  auto file = test.create(test.root(), "file");
  test.write(*file, 0, content);
  return file->ino();
}

int code_of_open(TestMount& test, int flags) {
  const auto file = open_file(test.mount(), test.get(test.root(), "file"), flags, {});
  return file ? 0 : file.error().code;
}

// 0, or the error; `text` gets the bytes.
int read_at(TestMount& test, uint64_t offset, size_t bytes, std::string& text) {
  auto file = must(open_file(test.mount(), test.get(test.root(), "file"), O_RDONLY, {}));
  text.clear();
  const Status read = read_file(test.mount(), *file, offset, bytes, [&](const std::vector<ByteSpan>& pieces) {
    for (const ByteSpan piece : pieces) text += as_text(piece);
  });
  return read ? 0 : read.error().code;
}

IoctlAnswer measure(TestMount& test, uint16_t room) {
  const auto inode = test.get(test.root(), "file");
  const uint16_t head[2] = {0, room};
  return ioctl(FS_IOC_MEASURE_VERITY, {.mount = test.mount(),
                                       .inode = *inode,
                                       .in = as_bytes({reinterpret_cast<const char*>(head), 4}),
                                       .opened_for_writing = false,
                                       .credentials = [] { return Credentials{}; },
                                       .mounted_read_only = [] { return false; },
                                       .cancelled = [] { return false; }});
}

}  // namespace

TEST_CASE("a sealed file reads as it was sealed, whatever its hash, block size, salt and depth") {
  if (!have_btrfs_progs()) return;
  const uint8_t hash = GENERATE(uint8_t{1}, uint8_t{2});
  const uint8_t bits = GENERATE(uint8_t{10}, uint8_t{12}, uint8_t{16});
  const size_t size = GENERATE(size_t{0}, size_t{1}, size_t{4096}, size_t{150'001});
  CAPTURE(int{hash}, int{bits}, size);
  TestMount test;
  const std::string text = some_text(size);
  const uint64_t ino = make_file(test, text);
  Seal seal{.hash = hash, .block_bits = bits, .salt = bits == 12 ? "some salt" : ""};
  apply(test, ino, seal.finish(text));
  std::string read;
  REQUIRE(read_at(test, 0, size + 10, read) == 0);
  CHECK(read == text);
  const auto digest = measure(test, 64);
  REQUIRE(digest);
  CHECK(digest->size() == (hash == 1 ? 36u : 68u));
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a block of a sealed file that is another than was sealed gives EIO, and the others do not") {
  if (!have_btrfs_progs()) return;
  const uint8_t bits = GENERATE(uint8_t{10}, uint8_t{12}, uint8_t{14});
  const size_t changed = GENERATE(size_t{0}, size_t{70'000}, size_t{150'000});
  CAPTURE(int{bits}, changed);
  TestMount test;
  const std::string text = some_text(150'001);
  const uint64_t ino = make_file(test, text);
  std::string sealed = text;
  sealed[changed] ^= 1;
  Seal seal{.block_bits = bits, .salt = ""};
  apply(test, ino, seal.finish(sealed));
  std::string read;
  CHECK(read_at(test, changed, 1, read) == EIO);
  const size_t elsewhere = changed == 0 ? 140'000 : 100;
  CHECK(read_at(test, elsewhere, 100, read) == 0);
  CHECK(read == text.substr(elsewhere, 100));
}

TEST_CASE("a Merkle tree that was changed or is not complete gives EIO where it counts") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const std::string text = some_text(150'001);
  const uint64_t ino = make_file(test, text);
  Seal seal{.block_bits = 10, .salt = ""};
  seal.finish(text);
  const bool cut = GENERATE(true, false);
  if (cut)
    seal.tree.resize(seal.tree.size() - 1024);  // hashes of the last data blocks
  else
    seal.tree.back() ^= 1;  // behind the last hash: the block is another all the same
  apply(test, ino, seal);
  std::string read;
  CHECK(read_at(test, 150'000, 1, read) == EIO);
  CHECK(read_at(test, 0, 100, read) == 0);
}

TEST_CASE("a descriptor that is missing, or that no kernel takes, makes open fail with EIO") {
  if (!have_btrfs_progs()) return;
  const int what = GENERATE(range(0, 9));
  CAPTURE(what);
  TestMount test;
  const std::string text = some_text(10'000);
  const uint64_t ino = make_file(test, text);
  Seal seal;
  seal.finish(text);
  const auto put = [&](size_t at, char value) { seal.descriptor[at] = value; };
  if (what == 1) put(0, 2);    // version
  if (what == 2) put(1, 3);    // algorithm
  if (what == 3) put(2, 9);    // blocks of 512 bytes
  if (what == 4) put(2, 17);   // of 128 KiB
  if (what == 5) put(3, 33);   // salt
  if (what == 6) put(8, 1);    // size
  if (what == 7) put(200, 1);  // reserved
  if (what == 8) put(4, 1);    // a signature that is not there
  apply(test, ino, seal, what != 0);
  CHECK(code_of_open(test, O_RDONLY) == EIO);
}

TEST_CASE("a descriptor of a file of exabytes has a tree too deep, and costs no memory") {
  Seal seal;
  seal.block_bits = 10;
  seal.finish("x");
  const uint64_t size = uint64_t{1} << 62;
  std::memcpy(seal.descriptor.data() + 8, &size, sizeof(size));
  const auto parsed = VerityDescriptor::parse(as_bytes(seal.descriptor), size);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == EIO);
}

TEST_CASE(
    "a sealed file can't be written, truncated, preallocated or copied to; its copy is an ordinary file") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const std::string text = some_text(20'000);
  const uint64_t ino = make_file(test, text);
  Seal seal;
  apply(test, ino, seal.finish(text));
  auto inode = test.get(test.root(), "file");
  CHECK(code_of_open(test, O_RDWR) == EPERM);
  CHECK(code_of_open(test, O_WRONLY) == EPERM);
  CHECK(code_of_open(test, O_RDONLY | O_TRUNC) == EPERM);
  AttrChange shorter;
  shorter.size = 5;
  CHECK(set_attr(test.mount(), *inode, shorter).error().code == EPERM);
  CHECK(fallocate(test.mount(), *inode, 0, {0, 100}).error().code == EPERM);
  auto copy = test.create(test.root(), "copy");
  CHECK(copy_range(test.mount(), {*copy, 0, *inode, 0, 10}).error().code == EPERM);
  AttrChange mode;
  mode.mode = 0400;
  CHECK(set_attr(test.mount(), *inode, mode));
  CHECK(get_fs_flags(*inode) & FS_VERITY_FL);
  must(copy_range(test.mount(), {*inode, 0, *copy, 0, 20'000}));
  CHECK(test.read(*copy) == text);
  CHECK_FALSE(get_fs_flags(*copy) & FS_VERITY_FL);
  test.write(*copy, 0, "changed");
  CHECK(measure(test, 31).error().code == EOVERFLOW);
  inode = {}, copy = {};
  CHECK(test.close_and_check() == "");
}

}  // namespace butterfuse::verity_test
