// SPDX-License-Identifier: GPL-2.0-or-later
// WritebackDomain: who dirtied pages; counts exactly what is dirty or being written on its account.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "core/cache/stall.h"

namespace butterfuse {

// Which cgroup or user dirties the data: pages and I/O are charged to it, its limit throttles it.
using DomainId = uint64_t;

// Thread-safe. A page is charged to the domain that made it dirty until it is clean again, and to no other
// meanwhile. dirty_pages() equals the number of this domain's dirty pages whenever no page changes state, and
// never falls below zero: both are asserted.
class WritebackDomain {
 public:
  explicit WritebackDomain(DomainId id) : id_(id) {}
  ~WritebackDomain();
  WritebackDomain(const WritebackDomain&) = delete;
  WritebackDomain& operator=(const WritebackDomain&) = delete;

  DomainId id() const { return id_; }
  uint64_t dirty_pages() const { return dirty_; }
  uint64_t writeback_pages() const { return writeback_; }
  uint64_t busy_pages() const { return dirty_pages() + writeback_pages(); }
  uint64_t written_pages() const { return written_; }  // ever, by writeback
  uint64_t throttled_writes() const { return throttled_; }

  void pages_dirtied(uint64_t count) { dirty_ += count; }
  void pages_cleaned(uint64_t count);            // cancelled: never written
  void pages_writeback_started(uint64_t count);  // dirty -> under writeback
  void pages_writeback_ended(uint64_t count);

 private:
  friend class DomainRegistry;
  void notify_if_waiting();

  const DomainId id_;
  std::atomic<uint64_t> dirty_{0};
  std::atomic<uint64_t> writeback_{0};
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> throttled_{0};
  std::atomic<uint32_t> waiters_{0};
  // Writers of much among them, and since when none of those went on (steady clock).
  std::atomic<uint32_t> much_waiters_{0};
  std::atomic<int64_t> much_waits_since_{0};
  Mutex mutex_;
  CondVar fewer_;
};

// The domains of a mount. Thread-safe; its mutex is innermost but for a domain's own.
class DomainRegistry {
 public:
  // `limit_pages`: dirty and written-back pages of all domains together; the active ones share it evenly.
  DomainRegistry(uint64_t limit_pages, StallHook stall)
      : limit_pages_(limit_pages), stall_(std::move(stall)) {}

  std::shared_ptr<WritebackDomain> get(DomainId id);
  enum class Writer { of_much, of_little };
  // Notes that `domain` writes, and waits until it is below its share; for a writer of little until it is
  // above by no more than an eighth, so that he does not wait for what a stream beside him has dirtied; nor
  // does the stream wait for ever behind many such. Only its own writers call this with it: a domain that
  // dirties more than it may slows nobody else. `kick` is called before the wait, and again when it is long:
  // start writeback. Hold no page lock.
  void throttle(WritebackDomain& domain, Writer writer, const std::function<void()>& kick);
  // Whether more than one domain has been writing lately: then the writeback of one can hold up another.
  bool contended() const;
  uint64_t share_pages() const;
  uint64_t dirty_pages() const;      // of all domains
  uint64_t writeback_pages() const;  // of all domains
  std::vector<std::shared_ptr<WritebackDomain>> all() const;

 private:
  using Clock = std::chrono::steady_clock;
  // Writers that take turns more slowly than that are as good as alone.
  static constexpr auto kLately = std::chrono::seconds(1);
  static constexpr size_t kPruneAbove = 256;       // idle domains are forgotten beyond so many
  static constexpr uint64_t kMinSharePages = 256;  // 1 MiB: so much a domain may have however many there are
  uint64_t allowed_pages(const WritebackDomain& domain, Writer writer) const;
  void prune() BF_REQUIRES(mutex_);
  void note_writer(DomainId id);

  static constexpr DomainId kNobody = ~DomainId{0};
  std::atomic<DomainId> last_writer_{kNobody};
  // When another domain wrote than the one before.
  std::atomic<Clock::time_point> changed_writer_{Clock::time_point::min()};

  const uint64_t limit_pages_;
  const StallHook stall_;
  mutable Mutex mutex_;
  std::map<DomainId, std::shared_ptr<WritebackDomain>> domains_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
