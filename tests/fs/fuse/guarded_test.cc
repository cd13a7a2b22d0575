// SPDX-License-Identifier: GPL-2.0-or-later
// guarded: memory that runs out in an operation is an answer, and one only.
#include "fs/fuse/guarded.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::guarded_test {
namespace {

constexpr uint64_t kRoot = NodeIds::kRootNode;

void fail_before_the_answer(fuse_req_t, fuse_ino_t, fuse_file_info*) { throw std::bad_alloc(); }

void fail_behind_the_answer(fuse_req_t request, fuse_ino_t) {
  fuse_reply_readlink(request, "target");
  throw std::bad_alloc();
}

void fail_to_forget(fuse_req_t, fuse_ino_t, uint64_t) { throw std::bad_alloc(); }

void fail_to_forget_many(fuse_req_t, size_t, fuse_forget_data*) { throw std::bad_alloc(); }

void fail_otherwise(fuse_req_t, fuse_ino_t) { throw std::runtime_error("another"); }

// Others hear of this one, which does not end the request.
void notify_and_fail(fuse_req_t request, fuse_ino_t node) {
  fuse_lowlevel_notify_inval_inode(static_cast<FuseContext*>(fuse_req_userdata(request))->session, node, -1,
                                   0);
  throw std::bad_alloc();
}

fuse_lowlevel_ops failing_operations() {
  fuse_lowlevel_ops ops = all_operations();
  ops.getattr = guarded<fail_before_the_answer>;
  ops.readlink = guarded<fail_behind_the_answer>;
  ops.forget = guarded<fail_to_forget>;
  ops.forget_multi = guarded<fail_to_forget_many>;
  ops.statfs = guarded<notify_and_fail>;
  return ops;
}

}  // namespace

TEST_CASE("an operation without memory answers ENOMEM, once") {
  FuseRig rig("", failing_operations());
  rig.hello();
  for (int i = 0; i < 2; ++i)
    CHECK(rig.call(FUSE_GETATTR, kRoot, {object_bytes(fuse_getattr_in{})}).error == ENOMEM);
}

TEST_CASE("an operation that had answered before answers no second time") {
  FuseRig rig("", failing_operations());
  rig.hello();
  const auto answer = rig.call(FUSE_READLINK, kRoot);
  CHECK(answer.error == 0);
  CHECK(as_text(answer.body) == "target");
}

TEST_CASE("a notification is no answer") {
  FuseRig rig("", failing_operations());
  rig.hello();
  CHECK(rig.call(FUSE_STATFS, kRoot).error == ENOMEM);
  CHECK(rig.notifications.size() == 1);
}

TEST_CASE("what the kernel forgets gets no answer without memory, either") {
  FuseRig rig("", failing_operations());
  rig.hello();
  CHECK(rig.answers_to(FUSE_FORGET, kRoot, {object_bytes(fuse_forget_in{})}).empty());
  fuse_batch_forget_in many{};
  many.count = 1;
  CHECK(rig.answers_to(FUSE_BATCH_FORGET, 0, {object_bytes(many), object_bytes(fuse_forget_one{})}).empty());
  CHECK(rig.call(FUSE_GETATTR, kRoot, {object_bytes(fuse_getattr_in{})}).error == ENOMEM);
}

TEST_CASE("other errors of an operation are not taken for it") {
  CHECK_THROWS_AS(Guard<fail_otherwise>::call(nullptr, 1), std::runtime_error);
}

}  // namespace butterfuse::guarded_test
