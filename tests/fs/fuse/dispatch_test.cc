// SPDX-License-Identifier: GPL-2.0-or-later
// Dispatch: requests that libfuse knows in a shorter form, or not at all.
#include "fs/fuse/dispatch.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "fs/attributes/xattr.h"
#include "fs/fuse/opcodes.h"
#include "fs/fuse/request_at_work.h"
#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::dispatch_test {
namespace {

constexpr uint64_t kRoot = NodeIds::kRootNode;
constexpr size_t kShortBytes = 8;  // of fuse_setxattr_in: size and flags

FuseRig::Answer set_xattr_by_request(FuseRig& rig, uint64_t node, bool is_long, uint32_t setxattr_flags,
                                     std::string_view name, ByteSpan value) {
  fuse_setxattr_in in{};
  in.size = static_cast<uint32_t>(value.size());
  in.setxattr_flags = setxattr_flags;
  const ByteSpan whole = object_bytes(in);
  return rig.call(FUSE_SETXATTR, node, {is_long ? whole : whole.first(kShortBytes), name_bytes(name), value});
}

std::string xattr_of(FuseRig& rig, Inode& inode, std::string_view name) {
  const auto value = get_xattr(rig.mount(), inode, name);
  return value ? std::string(as_text(*value)) : "error " + std::to_string(value.error().code);
}

// An access control list that says what the mode 0755 says (acl(5), as the kernel passes it).
struct [[gnu::packed]] PlainAcl {
  struct [[gnu::packed]] Entry {
    uint16_t tag, permissions;
    uint32_t id = ~0u;
  };
  uint32_t version = 2;
  Entry user{1, 7}, group{4, 5}, others{32, 5};
};

struct CopyRig : FuseRig {
  std::unique_ptr<OpenFile> from = memory().create("from"), to = memory().create("to");
  fuse_copy_file_range_in in{};

  CopyRig() {
    hello();
    memory().write(*from, 0, std::string(10'000, 'c'));
    in.off_in = 1000, in.off_out = 0, in.len = 5000;
    in.nodeid_out = node_of(*to->inode);
    in.fh_in = open(*from), in.fh_out = open(*to);
  }
  uint64_t open(const OpenFile& file) {
    fuse_open_in how{};
    how.flags = O_RDWR;
    return call(FUSE_OPEN, node_of(*file.inode), {object_bytes(how)}).as<fuse_open_out>().fh;
  }
  Answer copy(uint32_t opcode) { return call(opcode, node_of(*from->inode), {object_bytes(in)}); }
};

}  // namespace

TEST_CASE("setxattr is understood in the form that was agreed on at the beginning") {
  for (const bool is_long : {false, true}) {
    INFO((is_long ? "long" : "short"));
    FuseRig rig;
    rig.hello(is_long ? FuseRig::kOffered : FuseRig::kOffered & ~FUSE_SETXATTR_EXT);
    CHECK(set_xattr_by_request(rig, kRoot, is_long, 0, "user.name", as_bytes("value")).error == 0);
    CHECK(xattr_of(rig, rig.mount().root(), "user.name") == "value");
    CHECK(set_xattr_by_request(rig, kRoot, is_long, 0, "user.empty", {}).error == 0);
    CHECK(xattr_of(rig, rig.mount().root(), "user.empty") == "");
    CHECK(set_xattr_by_request(rig, kRoot, is_long, 0, "nospace.name", as_bytes("v")).error == EOPNOTSUPP);
  }
}

TEST_CASE("an access control list takes set-group-id where the long form of setxattr says so") {
  for (const bool kills : {false, true}) {
    FuseRig rig;
    rig.hello();
    const InodePtr inode =
        must(create(rig.mount(), rig.mount().root(), "file", {.mode = S_IFREG | S_ISGID | 0755}, {}));
    const uint32_t flags = kills ? FUSE_SETXATTR_ACL_KILL_SGID : 0;
    const auto answer = set_xattr_by_request(rig, rig.node_of(*inode), true, flags, "system.posix_acl_access",
                                             object_bytes(PlainAcl{}));
    CHECK(answer.error == 0);
    CHECK((inode->item().mode & S_ISGID) == (kills ? 0 : S_ISGID));
    CHECK((inode->item().mode & 0777) == 0755);
  }
}

TEST_CASE("a copy is counted with as many bits as its request wants") {
  for (const bool is_long : {false, true}) {
    CopyRig rig;
    const auto answer = rig.copy(is_long ? kCopyFileRange64 : uint32_t{FUSE_COPY_FILE_RANGE});
    CHECK(answer.error == 0);
    CHECK(answer.body.size() == sizeof(uint64_t));  // fuse_write_out has the same length
    if (is_long)
      CHECK(answer.as<uint64_t>() == 5000);
    else
      CHECK(answer.as<fuse_write_out>().size == 5000);
    CHECK(rig.memory().read(*rig.to, 0, 10'000) == std::string(5000, 'c'));
    rig.in.flags = 1;
    CHECK(rig.copy(is_long ? kCopyFileRange64 : uint32_t{FUSE_COPY_FILE_RANGE}).error == EINVAL);
  }
}

TEST_CASE("a copy in the long form leaves nothing behind for one in the short form") {
  CopyRig rig;
  CHECK(rig.copy(kCopyFileRange64).as<uint64_t>() == 5000);
  rig.in.len = 0x1'0000'0007;  // the file has less
  const auto answer = rig.copy(FUSE_COPY_FILE_RANGE).as<fuse_write_out>();
  CHECK(answer.size == 9000);
  CHECK(answer.padding == 0);
  CHECK_FALSE(request_wants_long_count());
}

TEST_CASE("a request is at work while it is answered, and not behind it") {
  static uint32_t seen = 0;
  fuse_lowlevel_ops ops = all_operations();
  ops.getattr = [](fuse_req_t request, fuse_ino_t, fuse_file_info*) {
    seen = request_at_work().opcode();
    fuse_reply_err(request, EXDEV);
    if (!request_was_answered()) seen = 0;
  };
  FuseRig rig("", ops);
  rig.hello();
  CHECK(rig.call(FUSE_GETATTR, kRoot, {object_bytes(fuse_getattr_in{})}).error == EXDEV);
  CHECK(seen == FUSE_GETATTR);
  CHECK(request_at_work().bytes.empty());
  CHECK_FALSE(request_was_answered());
}

TEST_CASE("a request that nobody knows is answered, once") {
  FuseRig rig;
  rig.hello();
  for (const uint32_t opcode : {7u, 54u, 4000u, ~0u}) CHECK(rig.call(opcode, kRoot).error == ENOSYS);
}

TEST_CASE("what is forgotten has no answer") {
  FuseRig rig;
  rig.hello();
  const InodePtr inode = must(create(rig.mount(), rig.mount().root(), "file", {.mode = S_IFREG | 0644}, {}));
  CHECK(rig.call(FUSE_LOOKUP, kRoot, {name_bytes("file")}).as<fuse_entry_out>().nodeid ==
        rig.node_of(*inode));
  CHECK(rig.mount().inodes().lookups() == 1);
  fuse_forget_in in{};
  in.nlookup = 1;
  CHECK(rig.answers_to(FUSE_FORGET, rig.node_of(*inode), {object_bytes(in)}).empty());
  CHECK(rig.mount().inodes().lookups() == 0);
}

TEST_CASE("the end of a block device's mount is answered when all is committed") {
  FuseRig rig;
  rig.hello();
  (void)must(create(rig.mount(), rig.mount().root(), "file", {.mode = S_IFREG | 0644}, {}));
  const uint64_t before = rig.mount().filesystem().last_committed();
  CHECK(rig.call(FUSE_DESTROY, 0).error == 0);
  CHECK(rig.mount().filesystem().last_committed() > before);
}

}  // namespace butterfuse::dispatch_test
