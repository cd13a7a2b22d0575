// SPDX-License-Identifier: GPL-2.0-or-later
// WritebackDomain and its registry: exact counts, fair shares, throttling of a domain's own writers.
//
// What a domain may have dirty is the limit divided by those that have anything dirty at all. So one writer
// alone has the whole, and the second gets its half as soon as the first has written that much back. A domain
// over its share waits for its own pages to become clean, and for nobody else's.
#include "core/cache/writeback_domain.h"

#include <algorithm>
#include <chrono>

#include "core/base/assert.h"

namespace butterfuse {

namespace {
constexpr int kWaitsPerKick = 10;                           // of 20 ms at most
constexpr auto kPatience = std::chrono::milliseconds(100);  // of a writer of much, with those of little

void decrease(std::atomic<uint64_t>& counter, uint64_t count, DomainId id, const char* what) {
  const uint64_t before = counter.fetch_sub(count);
  BF_ASSERT(before >= count, "domain {:#x}: {} pages below zero: {} - {}", id, what, before, count);
}
}  // namespace

WritebackDomain::~WritebackDomain() {
  BF_ASSERT(dirty_ == 0 && writeback_ == 0, "domain {:#x} ends with {} dirty and {} written-back pages", id_,
            dirty_.load(), writeback_.load());
}

void WritebackDomain::pages_cleaned(uint64_t count) {
  decrease(dirty_, count, id_, "dirty");
  notify_if_waiting();
}

void WritebackDomain::pages_writeback_started(uint64_t count) {
  writeback_ += count;  // first up, then down: the sum is never too small for the throttle
  decrease(dirty_, count, id_, "dirty");
}

void WritebackDomain::pages_writeback_ended(uint64_t count) {
  decrease(writeback_, count, id_, "writeback");
  written_ += count;
  notify_if_waiting();
}

void WritebackDomain::notify_if_waiting() {
  if (waiters_ == 0) return;
  MutexLock lock(mutex_);
  fewer_.notify_all();
}

std::shared_ptr<WritebackDomain> DomainRegistry::get(DomainId id) {
  MutexLock lock(mutex_);
  auto& domain = domains_[id];
  if (!domain) {
    domain = std::make_shared<WritebackDomain>(id);
    auto result = domain;  // keeps it from being pruned
    if (domains_.size() > kPruneAbove) prune();
    return result;
  }
  return domain;
}

void DomainRegistry::prune() {
  std::erase_if(domains_, [](const auto& entry) {
    return entry.second.use_count() == 1 && entry.second->busy_pages() == 0;
  });
}

uint64_t DomainRegistry::share_pages() const {
  MutexLock lock(mutex_);
  uint64_t active = 0;
  for (const auto& [id, domain] : domains_) active += domain->busy_pages() > 0;
  return std::max(kMinSharePages, limit_pages_ / std::max<uint64_t>(active, 1));
}

uint64_t DomainRegistry::allowed_pages(const WritebackDomain& domain, Writer writer) const {
  const uint64_t share = share_pages();
  if (writer == Writer::of_much) return share;
  const auto since = Clock::time_point(Clock::duration(domain.much_waits_since_));
  const bool others_starve = domain.much_waiters_ > 0 && Clock::now() - since > kPatience;
  return others_starve ? share : share + share / 8;
}

void DomainRegistry::throttle(WritebackDomain& domain, Writer writer, const std::function<void()>& kick) {
  note_writer(domain.id());
  const auto must_wait = [&] { return domain.busy_pages() > allowed_pages(domain, writer); };
  if (domain.busy_pages() <= kMinSharePages || !must_wait()) return;
  ++domain.throttled_;
  ++domain.waiters_;
  const bool much = writer == Writer::of_much;
  const auto restart_clock = [&] { domain.much_waits_since_ = Clock::now().time_since_epoch().count(); };
  if (much && domain.much_waiters_++ == 0) restart_clock();
  for (int waits = 0; must_wait(); ++waits) {
    if (waits % kWaitsPerKick == 0) kick();  // again now and then: what got dirty since the first
    if (stall_) {
      stall_();
      continue;
    }
    // The share changes when other domains come and go, hence the time limit.
    MutexLock lock(domain.mutex_);
    domain.fewer_.wait_for(lock, std::chrono::milliseconds(20));
  }
  if (much) restart_clock(), --domain.much_waiters_;
  --domain.waiters_;
}

void DomainRegistry::note_writer(DomainId id) {
  if (last_writer_ == id) return;
  if (last_writer_.exchange(id) != kNobody) changed_writer_ = Clock::now();
}

bool DomainRegistry::contended() const {
  const Clock::time_point then = changed_writer_;
  return then != Clock::time_point::min() && Clock::now() - then < kLately;
}

uint64_t DomainRegistry::dirty_pages() const {
  MutexLock lock(mutex_);
  uint64_t sum = 0;
  for (const auto& [id, domain] : domains_) sum += domain->dirty_pages();
  return sum;
}

uint64_t DomainRegistry::writeback_pages() const {
  MutexLock lock(mutex_);
  uint64_t sum = 0;
  for (const auto& [id, domain] : domains_) sum += domain->writeback_pages();
  return sum;
}

std::vector<std::shared_ptr<WritebackDomain>> DomainRegistry::all() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<WritebackDomain>> result;
  for (const auto& [id, domain] : domains_) result.push_back(domain);
  return result;
}

}  // namespace butterfuse
