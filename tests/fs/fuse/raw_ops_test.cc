// SPDX-License-Identifier: GPL-2.0-or-later
// Raw operations: statx, O_TMPFILE and syncfs, from requests that may be cut short.
#include "fs/fuse/raw_ops.h"

#include <linux/stat.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "fs/fuse/opcodes.h"
#include "fs/names/lookup.h"
#include "fs/names/unlink.h"
#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::raw_ops_test {
namespace {

constexpr uint64_t kRoot = NodeIds::kRootNode;
constexpr size_t kStatxAt = 32;  // struct statx in the answer; before it its validity and flags

struct Made {
  fuse_entry_out entry;
  fuse_open_out open;
};

Made tmpfile_of(const FuseRig::Answer& answer) {
  REQUIRE(answer.error == 0);
  REQUIRE(answer.body.size() == sizeof(fuse_entry_out) + sizeof(fuse_open_out));
  return {answer.as<fuse_entry_out>(),
          load<fuse_open_out>(ByteSpan(answer.body).subspan(sizeof(fuse_entry_out)))};
}

fuse_create_in tmpfile_request(uint32_t flags = O_RDWR) {
  fuse_create_in in{};
  in.flags = flags, in.mode = S_IFREG | 0666, in.umask = 022;
  return in;
}

int link_error(FuseRig& rig, uint64_t node, std::string_view name) {
  fuse_link_in in{};
  in.oldnodeid = node;
  return rig.call(FUSE_LINK, kRoot, {object_bytes(in), name_bytes(name)}).error;
}

}  // namespace

TEST_CASE("statx tells what stat tells, and when the file was made") {
  FuseRig rig;
  rig.hello();
  const auto file = rig.memory().create("file");
  rig.memory().write(*file, 0, std::string(5000, 'x'));
  const InodeItem item = file->inode->item();
  const auto answer = rig.call(kStatx, rig.node_of(*file->inode));
  REQUIRE(answer.error == 0);
  REQUIRE(answer.body.size() == kStatxAt + sizeof(struct statx));
  CHECK(answer.as<uint64_t>() == 3600);
  const auto shown = load<struct statx>(ByteSpan(answer.body).subspan(kStatxAt));
  CHECK(shown.stx_mask == (STATX_BASIC_STATS | STATX_BTIME));
  CHECK(shown.stx_size == 5000);
  CHECK(shown.stx_mode == item.mode);
  CHECK(shown.stx_nlink == 1);
  CHECK(shown.stx_uid == item.uid);
  CHECK(shown.stx_btime.tv_sec == static_cast<int64_t>(item.otime.sec));
  CHECK(shown.stx_btime.tv_nsec == item.otime.nsec);
  CHECK(shown.stx_mtime.tv_sec == static_cast<int64_t>(item.mtime.sec));
  const auto attr = rig.call(FUSE_GETATTR, rig.node_of(*file->inode), {object_bytes(fuse_getattr_in{})});
  CHECK(attr.as<fuse_attr_out>().attr.ino == shown.stx_ino);
  CHECK(attr.as<fuse_attr_out>().attr.blocks == shown.stx_blocks);
}

TEST_CASE("a node that is gone is ESTALE, for each of them that names one") {
  FuseRig rig;
  rig.hello();
  for (const uint64_t node : {uint64_t{100'000}, ~uint64_t{0}}) {
    CHECK(rig.call(kStatx, node).error == ESTALE);
    CHECK(rig.call(kTmpfile, node, {object_bytes(tmpfile_request())}).error == ESTALE);
  }
}

TEST_CASE("a file without a name is open, has the mode that is left, and may get a name") {
  FuseRig rig;
  rig.hello();
  const Made made = tmpfile_of(rig.call(kTmpfile, kRoot, {object_bytes(tmpfile_request())}));
  CHECK(made.entry.attr.mode == (S_IFREG | 0644));
  CHECK(made.entry.attr.nlink == 0);
  CHECK(rig.mount().inodes().lookups() == 1);
  OpenFile& file = OpenFiles::of(made.open.fh);
  CHECK(rig.node_of(*file.inode) == made.entry.nodeid);
  CHECK(file.writable);
  CHECK(link_error(rig, made.entry.nodeid, "named") == 0);
  CHECK(must(lookup_existing(rig.mount(), rig.mount().root(), "named"))->key() == file.inode->key());
}

TEST_CASE("with O_EXCL a file without a name gets none") {
  FuseRig rig;
  rig.hello();
  const Made made = tmpfile_of(rig.call(kTmpfile, kRoot, {object_bytes(tmpfile_request(O_RDWR | O_EXCL))}));
  CHECK(link_error(rig, made.entry.nodeid, "named") == ENOENT);
}

TEST_CASE("a request for a file without a name that is cut short makes none") {
  FuseRig rig;
  rig.hello();
  const fuse_create_in in = tmpfile_request();
  const size_t before = rig.mount().inodes().inodes();
  for (size_t length = 0; length < sizeof(in); ++length) {
    INFO(length << " bytes");
    CHECK(rig.call(kTmpfile, kRoot, {object_bytes(in).first(length)}).error == EINVAL);
  }
  CHECK(rig.mount().inodes().inodes() == before);
  CHECK(rig.mount().inodes().lookups() == 0);
}

TEST_CASE("a file without a name whose answer reaches nobody is gone again") {
  FuseRig rig;
  rig.hello();
  const size_t before = rig.mount().inodes().inodes();
  {
    const FuseRig::NobodyListens nobody(rig);
    CHECK(rig.answers_to(kTmpfile, kRoot, {object_bytes(tmpfile_request())}).empty());
  }
  CHECK(rig.mount().inodes().lookups() == 0);
  CHECK(rig.mount().inodes().inodes() == before);
}

TEST_CASE("syncfs has committed when it answers, whatever else is in the request") {
  FuseRig rig;
  rig.hello();
  for (const size_t length : {0, 8}) {
    rig.memory().create("file" + std::to_string(length));
    const uint64_t before = rig.mount().filesystem().last_committed();
    CHECK(rig.call(kSyncfs, kRoot, {as_bytes(std::string_view("12345678")).first(length)}).error == 0);
    CHECK(rig.mount().filesystem().last_committed() > before);
  }
}

TEST_CASE("of all other requests raw operations keep away") {
  FuseRig rig;
  rig.hello();
  fuse_in_header header{};
  for (uint32_t opcode = 0; opcode < 70; ++opcode) {
    if (opcode == kSyncfs || opcode == kTmpfile || opcode == kStatx) continue;
    header.opcode = opcode;
    CHECK_FALSE(process_raw_op(rig.context(), opcode, object_bytes(header)));
  }
  CHECK(rig.receive(0).empty());
}

}  // namespace butterfuse::raw_ops_test
