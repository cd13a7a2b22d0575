// SPDX-License-Identifier: GPL-2.0-or-later
// Lanes: however many requests one user makes, others find workers.
#include "fs/session/lanes.h"

#include <linux/btrfs.h>
#include <linux/fuse.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>

namespace butterfuse::lanes_test {
namespace {

constexpr size_t kWorkers = 64;

std::vector<std::byte> request_of(uint32_t opcode, uint64_t unique, uid_t user, uint32_t command = 0) {
  struct {
    fuse_in_header header;
    fuse_ioctl_in body;
  } request{};
  request.header.opcode = opcode;
  request.header.unique = unique;
  request.header.uid = user;
  request.header.len = sizeof(request);
  request.body.cmd = command;
  std::vector<std::byte> bytes(sizeof(request));
  std::memcpy(bytes.data(), &request, sizeof(request));
  return bytes;
}

std::vector<std::byte> defragment(uint64_t unique, uid_t user) {
  return request_of(FUSE_IOCTL, unique, user, BTRFS_IOC_DEFRAG);
}

struct Buffer {
  fuse_buf buffer{};
  ~Buffer() { std::free(buffer.mem); }
  uint64_t unique() const { return static_cast<const fuse_in_header*>(buffer.mem)->unique; }
};

}  // namespace

TEST_CASE("look-ups never wait in line, whatever else there is") {
  Lanes lanes(kWorkers);
  for (uint64_t unique = 1; unique < 500; ++unique) (void)lanes.enter(request_of(FUSE_FSYNC, unique, 1));
  for (uint64_t unique = 500; unique < 600; ++unique) CHECK(lanes.enter(request_of(FUSE_LOOKUP, unique, 1)));
}

TEST_CASE("of one user's long calls few are at work, and another's gets its turn at once") {
  Lanes lanes(kWorkers);
  size_t at_work = 0;
  for (uint64_t unique = 1; unique <= 200; ++unique)
    at_work += lanes.enter(defragment(unique, 1)).has_value();
  CHECK(at_work >= 1);
  CHECK(at_work <= 4);
  CHECK(lanes.enter(defragment(201, 2)));
}

TEST_CASE("one user's reads and writes leave workers to another's") {
  Lanes lanes(kWorkers);
  size_t at_work = 0;
  for (uint64_t unique = 1; unique <= 200; ++unique)
    at_work += lanes.enter(request_of(FUSE_WRITE, unique, 1)).has_value();
  CHECK(at_work < kWorkers / 8 * 5);
  CHECK(lanes.enter(request_of(FUSE_WRITE, 201, 2)));
}

TEST_CASE(
    "one user's changes of names and file system syncs leave workers to another's, and to all who only look") {
  Lanes lanes(kWorkers);
  constexpr uint32_t kSyncfs = 50, kTmpfile = 51;
  for (const uint32_t opcode :
       {uint32_t{FUSE_CREATE}, uint32_t{FUSE_MKNOD}, uint32_t{FUSE_MKDIR}, uint32_t{FUSE_SYMLINK},
        uint32_t{FUSE_LINK}, uint32_t{FUSE_UNLINK}, uint32_t{FUSE_RMDIR}, uint32_t{FUSE_RENAME},
        uint32_t{FUSE_RENAME2}, uint32_t{FUSE_SETXATTR}, uint32_t{FUSE_REMOVEXATTR}, uint32_t{FUSE_SETATTR},
        kSyncfs, kTmpfile, uint32_t{4000}}) {
    CAPTURE(opcode);
    Lanes own(kWorkers);
    size_t at_work = 0;
    for (uint64_t unique = 1; unique <= 500; ++unique) {
      at_work += own.enter(request_of(opcode, unique, 1)).has_value();
      (void)lanes.enter(request_of(opcode, unique, 1));
    }
    CHECK(at_work >= 1);
    CHECK(at_work < kWorkers / 2);
    CHECK(own.enter(request_of(opcode, 501, 2)));
  }
  CHECK(lanes.enter(request_of(FUSE_CREATE, 601, 2)));
  CHECK(lanes.enter(request_of(FUSE_WRITE, 602, 2)));
  CHECK(lanes.enter(request_of(kSyncfs, 603, 2)));
  for (uint64_t unique = 700; unique < 800; ++unique) CHECK(lanes.enter(request_of(FUSE_GETATTR, unique, 1)));
}

TEST_CASE("what the kernel needs no more keeps few workers busy, and no other's names waiting") {
  Lanes lanes(kWorkers);
  size_t at_work = 0;
  for (uint64_t unique = 1; unique <= 500; ++unique)
    at_work += lanes.enter(request_of(unique % 2 ? FUSE_RELEASE : FUSE_FORGET, unique, 0)).has_value();
  CHECK(at_work >= 1);
  CHECK(at_work <= kWorkers / 8);
  CHECK(lanes.enter(request_of(FUSE_UNLINK, 501, 0)));
}

TEST_CASE("all kinds together leave workers for look-ups") {
  Lanes lanes(kWorkers);
  size_t at_work = 0;
  for (uint64_t unique = 1; unique <= 3000; ++unique) {
    const auto user = static_cast<uid_t>(unique % 100);
    const auto request = unique % 5 == 0   ? defragment(unique, user)
                         : unique % 5 == 1 ? request_of(FUSE_FSYNC, unique, user)
                         : unique % 5 == 2 ? request_of(FUSE_CREATE, unique, user)
                         : unique % 5 == 3 ? request_of(FUSE_RELEASE, unique, user)
                                           : request_of(FUSE_IOCTL, unique, user, BTRFS_IOC_SCRUB);
    at_work += lanes.enter(request).has_value();
  }
  CHECK(at_work < kWorkers);
}

TEST_CASE("what waits in line is served whole and in turn, once for each") {
  Lanes lanes(kWorkers);
  std::vector<Lanes::Ticket> running;
  for (uint64_t unique = 1; unique <= 20; ++unique)
    if (auto ticket = lanes.enter(defragment(unique, unique % 2 + 1))) running.push_back(*ticket);
  std::vector<uint64_t> served;
  const size_t first = running.size();
  while (!running.empty()) {
    Buffer next;
    const auto ticket = lanes.leave(running.back(), next.buffer);
    running.pop_back();
    if (!ticket) continue;
    CHECK(next.buffer.size == defragment(0, 0).size());
    served.push_back(next.unique());
    running.push_back(*ticket);
  }
  CHECK(first + served.size() == 20);
  std::sort(served.begin(), served.end());
  CHECK(std::adjacent_find(served.begin(), served.end()) == served.end());
  CHECK(lanes.enter(defragment(21, 1)));  // the line is empty again
}

TEST_CASE("a caller that was killed leaves the line") {
  Lanes lanes(kWorkers);
  std::optional<Lanes::Ticket> last;
  uint64_t unique = 1;
  while (auto ticket = lanes.enter(defragment(unique, 1))) last = ticket, ++unique;
  CHECK(lanes.take_out(unique));
  CHECK_FALSE(lanes.take_out(unique));
  CHECK_FALSE(lanes.take_out(unique - 1));  // it is at work
  Buffer next;
  CHECK_FALSE(lanes.leave(*last, next.buffer));
}

TEST_CASE("with one worker nothing waits for ever") {
  Lanes lanes(1);
  for (const uint32_t opcode : {FUSE_READ, FUSE_FSYNC, FUSE_LOOKUP, FUSE_CREATE, FUSE_FORGET}) {
    auto ticket = lanes.enter(request_of(opcode, 1, 1));
    REQUIRE(ticket);
    Buffer next;
    CHECK_FALSE(lanes.leave(*ticket, next.buffer));
  }
}

}  // namespace butterfuse::lanes_test
