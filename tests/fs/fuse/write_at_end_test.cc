// SPDX-License-Identifier: GPL-2.0-or-later
// WriteAtEnd: what the kernel sends when it has made zeros of a write, in each order.
#include "fs/fuse/write_at_end.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::write_at_end_test {
namespace {

enum class By { program, writeback };

struct EndRig : FuseRig {
  uint64_t node = 0, handle = 0;
  InodePtr inode;

  explicit EndRig(const std::string& options = "", int flags = O_RDWR, uint32_t minor = 45)
      : FuseRig(options) {
    hello(kOffered, 0, minor);
    const auto made = memory().create("file");
    inode = must(mount().inodes().get(made->inode->key()));
    mount().inodes().add_lookup(inode->key());
    node = node_of(*inode);
    fuse_open_in open{};
    open.flags = static_cast<uint32_t>(flags);
    handle = call(FUSE_OPEN, node, {object_bytes(open)}).as<fuse_open_out>().fh;
  }
  ~EndRig() {
    fuse_release_in release{};
    release.fh = handle;
    call(FUSE_RELEASE, node, {object_bytes(release)});
    mount().inodes().forget(inode->key(), 1);
  }

  // 0, or the error.
  int write(uint64_t offset, const std::string& bytes, By by = By::program, uint32_t flags = O_RDWR) {
    fuse_write_in in{};
    in.fh = handle, in.offset = offset, in.size = static_cast<uint32_t>(bytes.size()), in.flags = flags;
    if (by == By::writeback) in.write_flags = FUSE_WRITE_CACHE;
    const ByteSpan body{reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
    return call(FUSE_WRITE, node, {object_bytes(in), body}).error;
  }
  std::string content() {
    std::string text;
    ReadaheadWindow reader;
    const ReaderLock lock(inode->data_lock());
    must(inode->data().read(0, 1 << 20, reader, [&](const std::vector<ByteSpan>& pieces) {
      for (const ByteSpan piece : pieces)
        text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }));
    return text;
  }
  // Pages that the kernel was told to drop since the last call, by their number.
  std::vector<uint64_t> dropped() {
    std::vector<uint64_t> pages;
    for (const Notification& notification : std::exchange(notifications, {})) {
      if (notification.code != FUSE_NOTIFY_INVAL_INODE) continue;
      const auto told = notification.as<fuse_notify_inval_inode_out>();
      if (told.off < 0) continue;  // attributes
      CHECK(told.len == 4096);
      pages.push_back(static_cast<uint64_t>(told.off) / 4096);
    }
    return pages;
  }
};

std::string text(size_t length, char letter) { return std::string(length, letter); }
std::string zeros(size_t length) { return std::string(length, '\0'); }
using Pages = std::vector<uint64_t>;

}  // namespace

TEST_CASE("a write that comes with zeros behind the writeback that made them is to be repeated, once") {
  EndRig rig;
  CHECK(rig.write(0, text(5000, 'a')) == 0);
  CHECK(rig.write(4096, text(904, 's'), By::writeback) == 0);
  CHECK(rig.write(5000, zeros(3192) + text(100, 'b')) == EINTR);
  CHECK(rig.content().size() == 5000);
  CHECK(rig.dropped() == Pages{1});
  CHECK(rig.write(5000, zeros(3192) + text(100, 'b')) == 0);  // they were the program's own
  CHECK(rig.content() == text(4096, 'a') + text(904, 's') + zeros(3192) + text(100, 'b'));
}

TEST_CASE("of what was half copied when it became zeros the end tells it") {
  EndRig rig;
  CHECK(rig.write(0, text(5000, 'a')) == 0);
  CHECK(rig.write(4096, text(904, 'a'), By::writeback) == 0);
  CHECK(rig.write(5000, text(1000, 'b') + zeros(40)) == EINTR);
  CHECK(rig.write(5000, text(1000, 'b')) == 0);
}

// It is told by writes that lost nothing. (Where this test is held up itself, it waits the longer.)
TEST_CASE("a write waits for its writeback as long as others were late") {
  using namespace std::chrono_literals;
  EndRig rig;
  CHECK(rig.write(0, text(5000, 'a')) == 0);
  CHECK(rig.write(0, text(4096, 's'), By::writeback) == 0);
  CHECK(rig.write(5000, text(100, 'b')) == 0);
  std::this_thread::sleep_for(40ms);
  CHECK(rig.write(4096, text(904, 'a'), By::writeback) == 0);
  std::thread writeback([&] {
    std::this_thread::sleep_for(60ms);
    rig.context().clipped_ends.note(rig.inode->key(), 5100);
  });
  CHECK(rig.write(5100, text(10, 'b') + zeros(40)) == EINTR);
  writeback.join();
}

TEST_CASE("writeback up to the old end, behind the write, makes the kernel drop the page") {
  EndRig rig;
  CHECK(rig.write(0, text(5000, 'a')) == 0);
  CHECK(rig.write(5000, text(1000, 'b')) == 0);
  CHECK(rig.dropped().empty());
  CHECK(rig.write(4096, text(904, 's'), By::writeback) == 0);
  CHECK(rig.dropped() == Pages{1});
  CHECK(rig.content() == text(4096, 'a') + text(904, 's') + text(1000, 'b'));
}

TEST_CASE("behind a write to a file that is stored into the page of the old end is dropped") {
  EndRig rig;
  CHECK(rig.write(0, text(5000, 'a')) == 0);
  CHECK(rig.write(5000, text(1000, 'b')) == 0);
  CHECK(rig.dropped().empty());
  CHECK(rig.write(0, text(4096, 's'), By::writeback) == 0);
  CHECK(rig.write(6000, text(1000, 'c')) == 0);
  CHECK(rig.dropped() == Pages{1});
  CHECK(rig.write(7000, text(8000, 'd')) == 0);
  CHECK(rig.dropped() == Pages{1});
  CHECK(rig.write(16'384, text(100, 'e')) == 0);
  CHECK(rig.dropped().empty());
}

TEST_CASE("while bytes are doubted nothing but zeros for them replaces nothing, and all else does") {
  EndRig rig;
  CHECK(rig.write(0, text(4096, 'a')) == 0);
  {
    const ClippedEnds::Doubt doubt(rig.context().clipped_ends, rig.inode->key(), {1000, 2000});
    const ClippedEnds::Doubt other(rig.context().clipped_ends, rig.inode->key(), {3000, 3100});
    CHECK(rig.write(0, text(500, 's') + zeros(1500) + text(2096, 't'), By::writeback) == 0);
    CHECK(rig.content() == text(500, 's') + zeros(500) + text(1000, 'a') + text(2096, 't'));
    CHECK(rig.write(0, zeros(1500) + text(1, 'u') + zeros(2595), By::writeback) == 0);
    CHECK(rig.content() == zeros(1500) + text(1, 'u') + zeros(1499) + text(100, 't') + zeros(996));
  }
  CHECK(rig.write(0, zeros(4096), By::writeback) == 0);
  CHECK(rig.content() == zeros(4096));
}

TEST_CASE("writes that end and begin at pages, and those of files that can't be mapped, are let alone") {
  EndRig rig;
  CHECK(rig.write(0, text(8192, 'a')) == 0);
  CHECK(rig.write(4096, text(4096, 's'), By::writeback) == 0);
  CHECK(rig.write(8192, zeros(1000)) == 0);
  CHECK(rig.dropped().empty());
  EndRig only_written("", O_WRONLY);
  CHECK(only_written.write(0, text(5000, 'a')) == 0);
  CHECK(only_written.write(5000, zeros(1000), By::program, O_WRONLY) == 0);
  CHECK(only_written.dropped().empty());
}

TEST_CASE("where the kernel knows the size, or is older, all zeros are a program's") {
  const bool caches = GENERATE(false, true);
  EndRig rig(caches ? "writeback_cache" : "", O_RDWR, caches ? 45 : 43);
  CHECK(rig.write(0, text(5000, 'a'), By::writeback) == 0);
  CHECK(rig.write(4096, text(904, 'a') + zeros(100), By::writeback) == 0);
  CHECK(rig.write(4096, text(904, 'a'), By::writeback) == 0);
  CHECK(rig.dropped().empty());
}

}  // namespace butterfuse::write_at_end_test
