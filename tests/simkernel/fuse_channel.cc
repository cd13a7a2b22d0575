// SPDX-License-Identifier: GPL-2.0-or-later
// FuseChannel: messages out, answers in.
#include "tests/simkernel/fuse_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <unistd.h>

#include <cstring>

#include "core/base/assert.h"
#include "fs/fuse/dispatch.h"
#include "fs/fuse/features.h"

namespace butterfuse::simkernel {
namespace {

constexpr uint32_t kMinor = 38;
constexpr size_t kWorkersMax = 32;
constexpr uint32_t kReadaheadBytes = 128 << 10;
FuseChannel* channel = nullptr;  // one at a time
int channel_fd = -1;

}  // namespace

// The descriptor is never read from nor written to, but it must be one.
FuseChannel::FuseChannel(SimThreads& sim, Mount& mount, bool writeback_cache)
    : sim_(sim), fd_(open("/dev/null", O_RDWR | O_CLOEXEC)), context_{mount, {}, nullptr} {
  std::string program = "simkernel";
  char* arguments[] = {program.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  const fuse_lowlevel_ops ops = all_operations();
  session_ = fuse_session_new(&args, &ops, sizeof(ops), &context_);
  BF_ASSERT(session_ != nullptr && fd_ >= 0, "no session of libfuse");
  context_.session = session_;
  const Status offered = offer_more_features(session_, fd_);
  BF_ASSERT(offered, "{}", offered.error().message);
  channel = this, channel_fd = fd_;
  start_worker();
  hello(writeback_cache);
}

FuseChannel::~FuseChannel() {
  stopping_ = true;
  for (std::thread& worker : workers_) worker.join();
  channel = nullptr, channel_fd = -1;
  fuse_session_destroy(session_);  // closes the descriptor
}

FuseChannel* FuseChannel::of_descriptor(int fd) { return fd >= 0 && fd == channel_fd ? channel : nullptr; }

void FuseChannel::hello(bool writeback_cache) {
  fuse_init_in in{};
  in.major = FUSE_KERNEL_VERSION, in.minor = kMinor, in.max_readahead = kReadaheadBytes;
  in.flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_AUTO_INVAL_DATA |
             FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_NO_OPEN_SUPPORT |
             FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS |
             FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT | FUSE_IOCTL_DIR | FUSE_EXPORT_SUPPORT;
  if (writeback_cache) in.flags |= FUSE_WRITEBACK_CACHE;
  const FuseRequestPtr request = call(FUSE_INIT, 0, {object_bytes(in)});
  BF_ASSERT(request->error == 0, "FUSE_INIT is answered with error {}", request->error);
}

FuseRequestPtr FuseChannel::send(uint32_t opcode, uint64_t node, std::initializer_list<ByteSpan> body,
                                 std::function<void(FuseRequest&)> done) {
  const uint64_t unique = next_unique_;
  next_unique_ += 2;
  FuseRequestPtr request = queue(opcode, node, unique, body);
  request->done = std::move(done);
  outstanding_[unique] = request;
  sim_.pause();
  return request;
}

void FuseChannel::forget(uint64_t node, uint64_t lookups) {
  fuse_forget_in in{};
  in.nlookup = lookups;
  queue(FUSE_FORGET, node, 0, {object_bytes(in)});
  sim_.pause();
}

// Nobody takes it before the next pause.
FuseRequestPtr FuseChannel::queue(uint32_t opcode, uint64_t node, uint64_t unique,
                                  std::initializer_list<ByteSpan> body) {
  auto request = std::make_shared<FuseRequest>();
  request->unique = unique;
  fuse_in_header header{};
  header.opcode = opcode, header.unique = request->unique, header.nodeid = node;
  header.pid = 1;
  size_t bytes = sizeof(header);
  for (const ByteSpan part : body) bytes += part.size();
  header.len = static_cast<uint32_t>(bytes);
  const ByteSpan head = object_bytes(header);
  request->bytes.assign(head.begin(), head.end());
  for (const ByteSpan part : body) request->bytes.insert(request->bytes.end(), part.begin(), part.end());
  waiting_.push_back(request);
  if (busy_ == workers_.size() && busy_ < kWorkersMax) start_worker();
  return request;
}

void FuseChannel::wait(const FuseRequest& request) {
  sim_.wait_until([&] { return request.answered; });
}

FuseRequestPtr FuseChannel::call(uint32_t opcode, uint64_t node, std::initializer_list<ByteSpan> body) {
  FuseRequestPtr request = send(opcode, node, body);
  wait(*request);
  return request;
}

// Nobody else meets the list half changed.
void FuseChannel::start_worker() {
  const SimThreads::Steady steady(sim_);
  workers_.emplace_back([this] { serve(); });
}

void FuseChannel::serve() {
  for (;;) {
    sim_.wait_until([&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto at = waiting_.begin() + static_cast<std::ptrdiff_t>(sim_.random(waiting_.size()));
    const FuseRequestPtr request = *at;
    waiting_.erase(at);
    fuse_buf buffer{};
    buffer.mem = request->bytes.data(), buffer.size = request->bytes.size();
    ++busy_;
    process_request(context_, buffer);
    --busy_;
  }
}

ssize_t FuseChannel::deliver(const iovec* vectors, int count) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < count; ++i) {
    const auto* part = static_cast<const std::byte*>(vectors[i].iov_base);
    bytes.insert(bytes.end(), part, part + vectors[i].iov_len);
  }
  fuse_out_header header{};
  BF_ASSERT(bytes.size() >= sizeof(header), "an answer of {} bytes", bytes.size());
  std::memcpy(&header, bytes.data(), sizeof(header));
  BF_ASSERT(header.len == bytes.size(), "an answer of {} bytes says that it has {}", bytes.size(),
            header.len);
  bytes.erase(bytes.begin(), bytes.begin() + sizeof(header));
  if (header.unique == 0) {
    if (on_notification) on_notification(header.error, bytes);
    return header.len;
  }
  const auto place = outstanding_.find(header.unique);
  BF_ASSERT(place != outstanding_.end(), "an answer to request {}, which is not outstanding", header.unique);
  const FuseRequestPtr request = place->second;
  outstanding_.erase(place);
  request->error = -header.error;
  request->answer = std::move(bytes);
  request->answered = true;
  if (request->done) request->done(*request);
  sim_.pause();
  return header.len;
}

}  // namespace butterfuse::simkernel
