// SPDX-License-Identifier: GPL-2.0-or-later
// FuseChannel: what is between a simulated kernel and fs/fuse: the FUSE protocol, without a device.
#pragma once

#include <sys/uio.h>

#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/bytes.h"
#include "fs/fuse/ops.h"
#include "tests/simkernel/sim_threads.h"

namespace butterfuse::simkernel {

struct FuseRequest {
  uint64_t unique = 0;
  std::vector<std::byte> bytes;  // header and body
  bool answered = false;
  int error = 0;  // an errno
  std::vector<std::byte> answer;
  // Called when the answer comes, on the thread of whoever gives it; must not wait.
  std::function<void(FuseRequest&)> done;
};
using FuseRequestPtr = std::shared_ptr<FuseRequest>;

// The requests that are outstanding, and threads that take them in an order of the seed's: they overtake each
// other before they begin and while they run. Threads, requests and answers all take turns (SimThreads), so
// nothing here has locks.
class FuseChannel {
 public:
  // Says hello (FUSE_INIT) as a kernel of 7.38 does.
  FuseChannel(SimThreads& sim, Mount& mount, bool writeback_cache);
  ~FuseChannel();  // REQUIRES that no request is outstanding

  FuseRequestPtr send(uint32_t opcode, uint64_t node, std::initializer_list<ByteSpan> body,
                      std::function<void(FuseRequest&)> done = {});
  void wait(const FuseRequest& request);
  void forget(uint64_t node, uint64_t lookups);  // has no answer
  FuseRequestPtr call(uint32_t opcode, uint64_t node, std::initializer_list<ByteSpan> body);

  // Of what the daemon tells without being asked: FUSE_NOTIFY_*. It goes on when this returns.
  std::function<void(int code, ByteSpan body)> on_notification;

  static FuseChannel* of_descriptor(int fd);
  ssize_t deliver(const iovec* vectors, int count);

 private:
  FuseRequestPtr queue(uint32_t opcode, uint64_t node, uint64_t unique, std::initializer_list<ByteSpan> body);
  void start_worker();
  void serve();
  void hello(bool writeback_cache);

  SimThreads& sim_;
  const int fd_;
  FuseContext context_;
  fuse_session* session_ = nullptr;
  uint64_t next_unique_ = 2;
  std::vector<FuseRequestPtr> waiting_;
  std::map<uint64_t, FuseRequestPtr> outstanding_;
  bool stopping_ = false;
  size_t busy_ = 0;  // workers
  std::list<std::thread> workers_;
};

}  // namespace butterfuse::simkernel
