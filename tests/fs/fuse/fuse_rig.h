// SPDX-License-Identifier: GPL-2.0-or-later
// FuseRig: requests made by hand, given to fs/fuse over a file system in memory, and all that goes back.
#pragma once

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "fs/fuse/dispatch.h"
#include "fs/fuse/features.h"
#include "fs/fuse/ops.h"
#include "tests/support/memory_mount.h"

// One request at a time, on the thread of the test. The file system is judged by our checker at the end.
class FuseRig {
 public:
  struct Answer {
    int error = 0;  // an errno
    std::vector<std::byte> body;
    template <class Body>
    Body as() const {
      REQUIRE(body.size() >= sizeof(Body));
      return butterfuse::load<Body>(body);
    }
  };
  struct Notification {
    int code = 0;  // FUSE_NOTIFY_*
    std::vector<std::byte> body;
    template <class Body>
    Body as() const {
      REQUIRE(body.size() >= sizeof(Body));
      return butterfuse::load<Body>(body);
    }
  };
  static constexpr uint32_t kOffered = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_DONT_MASK |
                                       FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT |
                                       FUSE_POSIX_ACL | FUSE_WRITEBACK_CACHE | FUSE_INIT_EXT;

  explicit FuseRig(const std::string& options = "",
                   const fuse_lowlevel_ops& ops = butterfuse::all_operations(),
                   butterfuse::CallersTold callers = butterfuse::CallersTold::makers)
      : memory_(options),
        context_(new butterfuse::FuseContext{.mount = memory_.mount(), .on_live = {}, .session = nullptr}) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    kernel_ = ends[0];
    std::string program = "test";
    char* arguments[] = {program.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments);
    context_->session = fuse_session_new(&args, &ops, sizeof(ops), context_.get());
    REQUIRE(context_->session != nullptr);
    must(offer_more_features(context_->session, ends[1], callers));
  }
  ~FuseRig() {
    fuse_session_destroy(context_->session);  // closes its end
    ::close(kernel_);
    context_.reset();  // and what it has open
    uint64_t errors = ~uint64_t{0};
    try {
      errors = memory_.close_and_count_errors();
    } catch (const std::exception& error) {
      UNSCOPED_INFO(error.what());
    }
    CHECK(errors == 0);
  }
  FuseRig(const FuseRig&) = delete;
  FuseRig& operator=(const FuseRig&) = delete;

  MemoryMount& memory() { return memory_; }
  butterfuse::Mount& mount() { return memory_.mount(); }
  butterfuse::FuseContext& context() { return *context_; }
  uint64_t node_of(const butterfuse::Inode& inode) { return mount().node_ids().node_of(inode.key()); }

  // The kernel's first words, and the answer.
  fuse_init_out hello(uint32_t flags = kOffered, uint32_t flags2 = 0, uint32_t minor = 38) {
    fuse_init_in in{};
    in.major = FUSE_KERNEL_VERSION, in.minor = minor, in.max_readahead = 128 << 10;
    in.flags = flags, in.flags2 = flags2;
    const Answer answer = call(FUSE_INIT, 0, {butterfuse::object_bytes(in)});
    REQUIRE(answer.error == 0);
    return answer.as<fuse_init_out>();
  }

  // All answers that a request gets.
  std::vector<Answer> answers_to(uint32_t opcode, uint64_t node,
                                 std::initializer_list<butterfuse::ByteSpan> body = {}) {
    fuse_in_header header{};
    header.opcode = opcode, header.unique = next_unique_ += 2, header.nodeid = node;
    header.pid = static_cast<uint32_t>(::getpid());
    header.len = sizeof(header);
    for (const butterfuse::ByteSpan part : body) header.len += static_cast<uint32_t>(part.size());
    const butterfuse::ByteSpan head = butterfuse::object_bytes(header);
    std::vector<std::byte> bytes(head.begin(), head.end());
    for (const butterfuse::ByteSpan part : body) bytes.insert(bytes.end(), part.begin(), part.end());
    fuse_buf buffer{};
    buffer.mem = bytes.data(), buffer.size = bytes.size();
    process_request(*context_, buffer);
    return receive(header.unique);
  }
  // Of a request that gets one.
  Answer call(uint32_t opcode, uint64_t node, std::initializer_list<butterfuse::ByteSpan> body = {}) {
    const auto answers = answers_to(opcode, node, body);
    REQUIRE(answers.size() == 1);
    return answers.front();
  }
  // What was sent since: answers to this request; notifications go to their list.
  std::vector<Answer> receive(uint64_t unique) {
    std::vector<Answer> answers;
    std::vector<std::byte> message(256 << 10);
    for (ssize_t got = 0; (got = ::recv(kernel_, message.data(), message.size(), MSG_DONTWAIT)) > 0;) {
      const auto length = static_cast<size_t>(got);
      REQUIRE(length >= sizeof(fuse_out_header));
      const auto header = butterfuse::load<fuse_out_header>(message);
      REQUIRE(header.len == length);
      std::vector<std::byte> body(message.begin() + sizeof(header), message.begin() + got);
      if (header.unique == 0) {
        notifications.push_back({header.error, std::move(body)});
      } else {
        REQUIRE(header.unique == unique);
        answers.push_back({-header.error, std::move(body)});
      }
    }
    return answers;
  }
  std::vector<Notification> notifications;

  // While it lives, answers reach nobody: each is an error of its write(2), as where the caller was killed.
  class NobodyListens {
   public:
    explicit NobodyListens(FuseRig& rig)
        : fd_(fuse_session_fd(rig.context().session)), kept_(::fcntl(fd_, F_DUPFD_CLOEXEC, 0)) {
      const int full = ::open("/dev/full", O_RDWR | O_CLOEXEC);
      REQUIRE(::dup2(full, fd_) == fd_);
      ::close(full);
    }
    ~NobodyListens() {
      ::dup2(kept_, fd_);
      ::close(kept_);
    }
    NobodyListens(const NobodyListens&) = delete;

   private:
    const int fd_, kept_;
  };

 private:
  MemoryMount memory_;
  std::unique_ptr<butterfuse::FuseContext> context_;
  int kernel_ = -1;
  uint64_t next_unique_ = 0;
};

// The zero behind it belongs to the request.
inline butterfuse::ByteSpan name_bytes(std::string_view literal) {
  return butterfuse::as_bytes({literal.data(), literal.size() + 1});
}
