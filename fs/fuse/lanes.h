// Lanes: how many of the workers one kind of request, and one user's, may keep busy; what comes on top waits
// in line.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/mutex.h"
#include "fs/vfs/caller.h"

namespace butterfuse {

// However many calls anybody makes, workers are left for look-ups and attributes, and for everybody else. A
// request that has to wait is set aside without a thread; whoever finishes one of its lane serves it next. Of
// those in line the one whose user has the least at work goes first. Thread-safe.
class Lanes {
 public:
  enum class Lane : uint8_t {
    quick,  // look-ups, attributes, names: as many as there are workers
    data,   // what may wait for a file's lock or for the disk
    lasts,  // ioctls that go over a whole file or file system
    scrub,  // an administrator's, for hours
  };
  struct Ticket {
    Lane lane = Lane::quick;
    std::optional<uid_t> user;  // none: it was one of the first, nobody asked
  };

  // Of `workers` in all.
  explicit Lanes(size_t workers);
  ~Lanes();
  Lanes(const Lanes&) = delete;

  static Lane lane_of(ByteSpan request);
  // The ticket, or nothing: then a copy of the request is in line.
  std::optional<Ticket> enter(ByteSpan request);
  // A served request's. The next one in line is put into `buffer`, if it may go; its ticket. Such a buffer is
  // only as long as the request.
  std::optional<Ticket> leave(const Ticket& ticket, fuse_buf& buffer);
  // The caller of request `unique` was killed or got a signal. True when it was still in line, and is no
  // more.
  bool take_out(uint64_t unique);

 private:
  struct Waiting {
    uint64_t unique = 0;
    uid_t user = 0;
    void* bytes = nullptr;  // malloc(3)'s, as fuse_buf has it
    size_t size = 0;
  };
  struct State {
    size_t most = 0;         // at work at a time
    size_t unasked = 0;      // so many without asking who it is
    size_t most_of_one = 0;  // of one user's, beside those
    size_t at_work = 0, unasked_at_work = 0;
    std::map<uid_t, size_t> of_user{};
    std::list<Waiting> line{};
  };
  State& state_of(Lane lane) { return states_[static_cast<size_t>(lane)]; }
  bool may_go(const State& state, uid_t user) const BF_REQUIRES(mutex_);

  Mutex mutex_;
  std::array<State, 4> states_;
};

}  // namespace butterfuse
