// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel pages: what the kernel is told of its pages, and when it is not asked.
#include "fs/fuse/kernel_pages.h"

#include <catch2/catch.hpp>
#include <functional>

#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::kernel_pages_test {
namespace {

constexpr unsigned kTurns = 8;  // that may wait for pages at a time

// What a test does while a request is at work.
std::function<void(fuse_req_t)> in_request;

fuse_lowlevel_ops with_hook() {
  fuse_lowlevel_ops ops = all_operations();
  ops.statfs = [](fuse_req_t request, fuse_ino_t) {
    in_request(request);
    fuse_reply_err(request, 0);
  };
  return ops;
}

struct PagesRig : FuseRig {
  std::unique_ptr<OpenFile> file;

  explicit PagesRig(const std::string& options = "") : FuseRig(options, with_hook()) {
    hello();
    file = memory().create("file");  // open for both: it may be mapped
  }
  Inode& inode() { return *file->inode; }
  void in_a_request(std::function<void(fuse_req_t)> body) {
    in_request = std::move(body);
    CHECK(call(FUSE_STATFS, NodeIds::kRootNode).error == 0);
  }
  // The zeros that were stored, as a range; empty when none were.
  ByteRange zeroed(uint64_t old_size, uint64_t hole_end) {
    notifications.clear();
    in_a_request([&](fuse_req_t request) { zero_behind_old_end(request, inode(), old_size, hole_end); });
    if (notifications.empty()) return {};
    CHECK(notifications.size() == 1);
    CHECK(notifications[0].code == FUSE_NOTIFY_STORE);
    const auto told = notifications[0].as<fuse_notify_store_out>();
    CHECK(told.nodeid == node_of(inode()));
    CHECK(notifications[0].body.size() == sizeof(told) + told.size);
    for (size_t at = sizeof(told); at < notifications[0].body.size(); ++at)
      if (notifications[0].body[at] != std::byte{0}) FAIL_CHECK("no zero at " << at);
    return ByteRange::at(told.offset, told.size);
  }
};

}  // namespace

TEST_CASE("the kernel is told the range whose pages it is to drop") {
  PagesRig rig;
  CHECK(drop_kernel_pages(rig.context(), rig.inode(), {4096, 12'288}));
  CHECK(drop_kernel_pages(rig.context(), rig.inode(), {8192, UINT64_MAX}));
  (void)rig.receive(0);
  REQUIRE(rig.notifications.size() == 2);
  for (const auto& notification : rig.notifications) CHECK(notification.code == FUSE_NOTIFY_INVAL_INODE);
  const auto middle = rig.notifications[0].as<fuse_notify_inval_inode_out>();
  CHECK(middle.ino == rig.node_of(rig.inode()));
  CHECK(middle.off == 4096);
  CHECK(middle.len == 8192);
  const auto all_behind = rig.notifications[1].as<fuse_notify_inval_inode_out>();
  CHECK(all_behind.off == 8192);
  CHECK(all_behind.len == 0);
}

TEST_CASE("who alone would have to answer the kernel asks it nothing") {
  PagesRig rig;
  rig.context().single_thread = true;
  CHECK_FALSE(drop_kernel_pages(rig.context(), rig.inode(), {0, 4096}));
  CHECK(rig.zeroed(100, 4096) == ByteRange{});
  (void)rig.receive(0);
  CHECK(rig.notifications.empty());
}

TEST_CASE("few wait for the kernel's pages at a time, and a turn is given back") {
  PagesRig rig;
  rig.context().waiting_for_pages = kTurns;
  CHECK_FALSE(drop_kernel_pages(rig.context(), rig.inode(), {0, 4096}));
  CHECK(rig.zeroed(100, 4096) == ByteRange{});
  CHECK(rig.context().waiting_for_pages == kTurns);
  rig.context().waiting_for_pages = kTurns - 1;
  for (int i = 0; i < 20; ++i) CHECK(drop_kernel_pages(rig.context(), rig.inode(), {0, 4096}));
  CHECK(rig.context().waiting_for_pages == kTurns - 1);
  (void)rig.receive(0);
  CHECK(rig.notifications.size() == 20);
}

TEST_CASE("stores are fetched only where there may be a mapping") {
  PagesRig rig;
  bool fetched = false;
  rig.in_a_request([&](fuse_req_t request) { fetched = fetch_stores(request, rig.inode(), 5000); });
  CHECK(fetched);
  REQUIRE(rig.notifications.size() == 1);
  CHECK(rig.notifications[0].as<fuse_notify_inval_inode_out>().off == 5000);
  CHECK(rig.notifications[0].as<fuse_notify_inval_inode_out>().len == 0);
  rig.context().single_thread = true;
  rig.in_a_request([&](fuse_req_t request) { fetched = fetch_stores(request, rig.inode(), 5000); });
  CHECK_FALSE(fetched);
  const InodePtr inode = must(rig.mount().inodes().get(rig.inode().key()));
  rig.file.reset();
  rig.in_a_request([&](fuse_req_t request) { fetched = fetch_stores(request, *inode, 5000); });
  CHECK(fetched);
  CHECK(rig.notifications.size() == 1);
}

TEST_CASE("zeros go over the rest of the old end's page, as far as the hole goes") {
  PagesRig rig;
  CHECK(rig.zeroed(100, 10'000) == ByteRange{100, 4096});
  CHECK(rig.zeroed(4097, 1 << 20) == ByteRange{4097, 8192});
  CHECK(rig.zeroed(100, 300) == ByteRange{100, 300});
  CHECK(rig.zeroed(8191, 8192) == ByteRange{8191, 8192});
  CHECK(rig.zeroed(8192, 20'000) == ByteRange{});
  CHECK(rig.zeroed(0, 20'000) == ByteRange{});
  CHECK(rig.zeroed(300, 300) == ByteRange{});
}

TEST_CASE("where the kernel's cache knows the size, or nothing is mapped, no zeros are sent") {
  PagesRig caching("writeback_cache");
  CHECK(caching.zeroed(100, 10'000) == ByteRange{});
  PagesRig rig;
  const InodePtr inode = must(rig.mount().inodes().get(rig.inode().key()));
  rig.file.reset();
  rig.in_a_request([&](fuse_req_t request) { zero_behind_old_end(request, *inode, 100, 10'000); });
  CHECK(rig.notifications.empty());
}

}  // namespace butterfuse::kernel_pages_test
