// SPDX-License-Identifier: GPL-2.0-or-later
// The request at work: what is read from requests that may be short, and what counts as its answer.
#include "fs/fuse/request_at_work.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::request_at_work_test {
namespace {

constexpr uint64_t kUnique = 71;

template <class Body>
std::vector<std::byte> request_of(uint32_t opcode, const Body& body) {
  fuse_in_header header{};
  header.opcode = opcode, header.unique = kUnique, header.len = sizeof(header) + sizeof(body);
  std::vector<std::byte> bytes(sizeof(header) + sizeof(body));
  store(bytes, header);
  store(MutableByteSpan(bytes).subspan(sizeof(header)), body);
  return bytes;
}

// The thread's request, for as long as it lives.
class AtWork {
 public:
  explicit AtWork(ByteSpan bytes) { request_at_work().bytes = bytes; }
  ~AtWork() { request_at_work() = {}; }
  AtWork(const AtWork&) = delete;
};

// Asked to take privileges away, by all of these bytes; and by none that end before.
void check_kills(uint32_t opcode, const std::vector<std::byte>& bytes, size_t whole) {
  INFO("opcode " << opcode);
  const AtWork at_work(bytes);
  CHECK(request_kills_suidgid());
  for (size_t length = 0; length < whole; ++length) {
    INFO(length << " bytes of " << whole);
    request_at_work().bytes = ByteSpan(bytes).first(length);
    CHECK_FALSE(request_kills_suidgid());
  }
}

bool kills(const std::vector<std::byte>& bytes) {
  const AtWork at_work(bytes);
  return request_kills_suidgid();
}

iovec vector_of(const fuse_out_header& header) {
  return {const_cast<fuse_out_header*>(&header), sizeof(header)};
}

}  // namespace

TEST_CASE("writes, setattrs and opens say whether privileges go, and nothing that is cut short does") {
  fuse_write_in write{};
  write.write_flags = FUSE_WRITE_KILL_SUIDGID;
  check_kills(FUSE_WRITE, request_of(FUSE_WRITE, write), sizeof(fuse_in_header) + sizeof(write));
  fuse_setattr_in setattr{};
  setattr.valid = FATTR_KILL_SUIDGID;
  check_kills(FUSE_SETATTR, request_of(FUSE_SETATTR, setattr), sizeof(fuse_in_header) + sizeof(setattr));
  fuse_open_in open{};
  open.open_flags = FUSE_OPEN_KILL_SUIDGID;
  check_kills(FUSE_OPEN, request_of(FUSE_OPEN, open), sizeof(fuse_in_header) + sizeof(open));
}

TEST_CASE("other flags, and the same bytes in another request, take no privileges") {
  fuse_write_in write{};
  write.write_flags = FUSE_WRITE_CACHE | FUSE_WRITE_LOCKOWNER;
  CHECK_FALSE(kills(request_of(FUSE_WRITE, write)));
  write.write_flags = ~0u;
  CHECK(kills(request_of(FUSE_WRITE, write)));
  for (const uint32_t other : {FUSE_READ, FUSE_CREATE, FUSE_FALLOCATE})
    CHECK_FALSE(kills(request_of(other, write)));
  fuse_setattr_in setattr{};
  setattr.valid = ~FATTR_KILL_SUIDGID;
  CHECK_FALSE(kills(request_of(FUSE_SETATTR, setattr)));
  fuse_open_in open{};
  open.flags = ~0u;
  CHECK_FALSE(kills(request_of(FUSE_OPEN, open)));
}

TEST_CASE("what is shorter than a header is no request") {
  const auto bytes = request_of(FUSE_FORGET, fuse_forget_in{});
  const AtWork at_work(ByteSpan(bytes).first(sizeof(fuse_in_header)));
  CHECK(request_at_work().opcode() == FUSE_FORGET);
  CHECK(request_wants_no_answer());
  CHECK_FALSE(request_at_work().body<fuse_forget_in>());
  request_at_work().bytes = ByteSpan(bytes).first(sizeof(fuse_in_header) - 1);
  CHECK(request_at_work().opcode() == 0);
  CHECK_FALSE(request_wants_no_answer());
}

TEST_CASE("only what the kernel forgets wants no answer") {
  for (uint32_t opcode = 1; opcode < 60; ++opcode) {
    INFO("opcode " << opcode);
    const auto bytes = request_of(opcode, fuse_forget_in{});
    const AtWork at_work(bytes);
    CHECK(request_wants_no_answer() == (opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET));
  }
}

TEST_CASE("the answer is the one that names the request; notifications and others' answers are not") {
  const auto bytes = request_of(FUSE_GETATTR, fuse_getattr_in{});
  const AtWork at_work(bytes);
  fuse_out_header header{};
  const iovec vector = vector_of(header);
  const iovec cut{vector.iov_base, sizeof(header) - 1};
  note_answer(&vector, 1);  // of nothing: a notification
  CHECK_FALSE(request_was_answered());
  header.unique = kUnique + 1;
  note_answer(&vector, 1);
  CHECK_FALSE(request_was_answered());
  header.unique = kUnique;
  note_answer(&vector, 0);
  note_answer(&cut, 1);
  CHECK_FALSE(request_was_answered());
  note_answer(&vector, 1);
  CHECK(request_was_answered());
}

TEST_CASE("without a request nothing is its answer, and one thread's request is not another's") {
  fuse_out_header header{};
  const iovec vector = vector_of(header);
  note_answer(&vector, 1);
  CHECK_FALSE(request_was_answered());
  const auto bytes = request_of(FUSE_FORGET, fuse_forget_in{});
  const AtWork at_work(bytes);
  request_at_work().setxattr_flags = FUSE_SETXATTR_ACL_KILL_SGID;
  request_at_work().wants_long_count = true;
  CHECK(request_kills_sgid_with_acl());
  CHECK(request_wants_long_count());
  bool seen = true;
  std::thread([&] {
    seen = request_wants_no_answer() || request_kills_sgid_with_acl() || request_wants_long_count();
  }).join();
  CHECK_FALSE(seen);
}

TEST_CASE("an answer past libfuse has its parts; an error has none") {
  FuseRig rig;
  const auto bytes = request_of(FUSE_GETATTR, fuse_getattr_in{});
  std::string one = "one ", two = "and two";
  const std::initializer_list<iovec> parts = {{one.data(), one.size()}, {two.data(), two.size()}};
  {
    const AtWork at_work(bytes);
    CHECK(reply_raw(rig.context().session, bytes, 0, parts));
    CHECK(request_was_answered());
  }
  auto answers = rig.receive(kUnique);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error == 0);
  CHECK(as_text(answers[0].body) == "one and two");
  CHECK_FALSE(request_was_answered());
  CHECK(reply_raw(rig.context().session, bytes, ENOSPC, parts));
  answers = rig.receive(kUnique);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error == ENOSPC);
  CHECK(answers[0].body.empty());
  const FuseRig::NobodyListens nobody(rig);
  CHECK_FALSE(reply_raw(rig.context().session, bytes, 0, parts));
}

}  // namespace butterfuse::request_at_work_test
