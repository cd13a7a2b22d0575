// SPDX-License-Identifier: GPL-2.0-or-later
// Lanes: which request is of which kind, and whose turn it is.
#include "fs/session/lanes.h"

#include <fcntl.h>
#include <linux/fuse.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "fs/control/ioctl.h"
#include "fs/fuse/opcodes.h"
#include "fs/fuse/process.h"

namespace butterfuse {
namespace {

template <class Body>
std::optional<Body> body_of(ByteSpan request) {
  if (request.size() < sizeof(fuse_in_header) + sizeof(Body)) return std::nullopt;
  return load<Body>(request.subspan(sizeof(fuse_in_header)));
}

Lanes::Lane lane_of_ioctl(ByteSpan request) {
  const auto body = body_of<fuse_ioctl_in>(request);
  const IoctlCommand* command = body ? find_ioctl(body->cmd) : nullptr;
  if (command == nullptr) return Lanes::Lane::quick;
  switch (command->length) {
    case IoctlLength::brief:
      return Lanes::Lane::data;
    case IoctlLength::lasts:
      return Lanes::Lane::lasts;
    case IoctlLength::scrub:
      return Lanes::Lane::scrub;
  }
  return Lanes::Lane::data;
}

// With id mappings the kernel does not say it.
uid_t user_of(ByteSpan request) {
  const auto header = load<fuse_in_header>(request);
  return header.uid != kUnknownUser ? header.uid : user_of_process(static_cast<pid_t>(header.pid));
}

}  // namespace

// In parts of 24: of the 96 workers of a mount all lanes but `quick` keep 84 busy at most, and leave it 12.
//
//               names   ends   data   lasts   scrub
//    most          24      4     40       8       8
//    unasked       12      4     24       0       8     so many without asking who it is
//    of one         4      4      8       2       8     of one user's, beside those
//
// The largest share is for data, which waits longest. `unasked` saves a look into /proc for each request
// where ids are mapped, and the counting, as long as there is no crowd. Who fills it leaves to all others
// what is above it, in parts of which he may have one; long calls are counted from the first one on.
Lanes::Lanes(size_t workers) {
  const auto share = [workers](size_t parts) { return std::max<size_t>(workers * parts / 24, 1); };
  state_of(Lane::quick) = {.most = SIZE_MAX, .unasked = SIZE_MAX, .most_of_one = SIZE_MAX};
  state_of(Lane::names) = {.most = share(6), .unasked = share(3), .most_of_one = share(1)};
  state_of(Lane::ends) = {.most = share(1), .unasked = share(1), .most_of_one = share(1)};
  state_of(Lane::data) = {.most = share(10), .unasked = share(6), .most_of_one = share(2)};
  state_of(Lane::lasts) = {.most = share(2), .unasked = 0, .most_of_one = std::max<size_t>(share(1) / 2, 1)};
  state_of(Lane::scrub) = {.most = share(2), .unasked = share(2), .most_of_one = share(2)};
}

Lanes::~Lanes() {
  for (State& state : states_)
    for (Waiting& waiting : state.line) std::free(waiting.bytes);
}

Lanes::Lane Lanes::lane_of(ByteSpan request) {
  if (request.size() < sizeof(fuse_in_header)) return Lane::quick;
  switch (load<fuse_in_header>(request).opcode) {
    case FUSE_INIT:
    case FUSE_DESTROY:
    case FUSE_INTERRUPT:
    case FUSE_NOTIFY_REPLY:
    case FUSE_LOOKUP:
    case FUSE_GETATTR:
    case kStatx:
    case FUSE_READLINK:
    case FUSE_OPENDIR:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_STATFS:
    case FUSE_GETXATTR:
    case FUSE_LISTXATTR:
    case FUSE_ACCESS:
    case FUSE_FLUSH:
    case FUSE_GETLK:
    case FUSE_SETLK:
    case FUSE_SETLKW:
    case FUSE_BMAP:
    case FUSE_POLL:
      return Lane::quick;
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
      return Lane::ends;
    case FUSE_READ:
    case FUSE_WRITE:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
    case kCopyFileRange64:
    case FUSE_LSEEK:
    case FUSE_RENAME:
    case FUSE_RENAME2:
      return Lane::data;
    case kSyncfs:
      return Lane::lasts;
    case FUSE_SETATTR: {
      const auto body = body_of<fuse_setattr_in>(request);
      return body && (body->valid & FATTR_SIZE) ? Lane::data : Lane::names;
    }
    case FUSE_OPEN: {
      const auto body = body_of<fuse_open_in>(request);
      return body && (body->flags & O_TRUNC) ? Lane::data : Lane::quick;
    }
    case FUSE_IOCTL:
      return lane_of_ioctl(request);
    default:
      return Lane::names;
  }
}

bool Lanes::may_go(const State& state, uid_t user) const {
  if (state.at_work >= state.most) return false;
  const auto found = state.of_user.find(user);
  return found == state.of_user.end() || found->second < state.most_of_one;
}

std::optional<Lanes::Ticket> Lanes::enter(ByteSpan request) {
  const Lane lane = lane_of(request);
  if (lane == Lane::quick) return Ticket{};
  State& state = state_of(lane);
  {
    MutexLock lock(mutex_);
    if (state.line.empty() && state.at_work < state.most && state.unasked_at_work < state.unasked) {
      ++state.at_work;
      ++state.unasked_at_work;
      return Ticket{lane, std::nullopt};
    }
  }
  const uid_t user = user_of(request);
  void* const copy = std::malloc(request.size());
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, request.data(), request.size());
  MutexLock lock(mutex_);
  if (may_go(state, user)) {
    std::free(copy);
    ++state.at_work;
    ++state.of_user[user];
    return Ticket{lane, user};
  }
  state.line.push_back({load<fuse_in_header>(request).unique, user, copy, request.size()});
  return std::nullopt;
}

std::optional<Lanes::Ticket> Lanes::leave(const Ticket& ticket, fuse_buf& buffer) {
  if (ticket.lane == Lane::quick) return std::nullopt;
  State& state = state_of(ticket.lane);
  MutexLock lock(mutex_);
  --state.at_work;
  if (ticket.user) {
    if (auto mine = state.of_user.find(*ticket.user); --mine->second == 0) state.of_user.erase(mine);
  }
  const auto at_work = [&](uid_t user) {
    const auto found = state.of_user.find(user);
    return found == state.of_user.end() ? 0 : found->second;
  };
  // Fewest at work first; of those alike the one that came first.
  const auto next =
      std::min_element(state.line.begin(), state.line.end(),
                       [&](const Waiting& a, const Waiting& b) { return at_work(a.user) < at_work(b.user); });
  const bool none = next == state.line.end();
  if (!ticket.user && none) --state.unasked_at_work;
  if (none || (ticket.user && !may_go(state, next->user))) return std::nullopt;
  const Waiting waiting = *next;
  state.line.erase(next);
  ++state.at_work;
  if (ticket.user) ++state.of_user[waiting.user];
  std::free(buffer.mem);
  buffer = {};
  buffer.mem = waiting.bytes;
  buffer.size = waiting.size;
  return Ticket{ticket.lane, ticket.user ? std::optional(waiting.user) : std::nullopt};
}

bool Lanes::take_out(uint64_t unique) {
  MutexLock lock(mutex_);
  for (State& state : states_) {
    const auto found = std::find_if(state.line.begin(), state.line.end(),
                                    [&](const Waiting& waiting) { return waiting.unique == unique; });
    if (found == state.line.end()) continue;
    std::free(found->bytes);
    state.line.erase(found);
    return true;
  }
  return false;
}

}  // namespace butterfuse
