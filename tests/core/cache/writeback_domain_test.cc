// SPDX-License-Identifier: GPL-2.0-or-later
// WritebackDomain: a domain at its limit slows its own writers and nobody else's.
#include "core/cache/writeback_domain.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

namespace butterfuse::writeback_domain_test {
namespace {

using Writer = DomainRegistry::Writer;

}

TEST_CASE("a writer over its domain's limit waits until pages are written") {
  int stalls = 0;
  std::shared_ptr<WritebackDomain> domain;
  DomainRegistry domains(1000, [&] {
    ++stalls;
    domain->pages_writeback_started(100);
    domain->pages_writeback_ended(100);
  });
  domain = domains.get(7);
  domain->pages_dirtied(1250);
  int kicks = 0;
  domains.throttle(*domain, Writer::of_much, [&] { ++kicks; });
  CHECK(kicks == 1);
  CHECK(stalls == 3);
  CHECK(domain->dirty_pages() == 950);
  CHECK(domain->throttled_writes() == 1);
  domain->pages_cleaned(950);
}

TEST_CASE("a domain over its limit throttles nobody else") {
  DomainRegistry domains(1000, [] { throw std::runtime_error("would wait"); });
  const auto greedy = domains.get(1), modest = domains.get(2);
  greedy->pages_dirtied(5000);
  modest->pages_dirtied(400);
  CHECK(domains.share_pages() == 500);
  domains.throttle(*modest, Writer::of_much, [] {});
  CHECK_THROWS(domains.throttle(*greedy, Writer::of_much, [] {}));
  greedy->pages_cleaned(5000);
  modest->pages_cleaned(400);
}

TEST_CASE("a writer of little does not wait for what a stream of the same domain has dirtied") {
  DomainRegistry domains(1000, [] { throw std::runtime_error("would wait"); });
  const auto domain = domains.get(1);
  domain->pages_dirtied(1001);
  CHECK_THROWS(domains.throttle(*domain, Writer::of_much, [] {}));
  domains.throttle(*domain, Writer::of_little, [] {});
  domain->pages_dirtied(124);
  domains.throttle(*domain, Writer::of_little, [] {});
  domain->pages_dirtied(1);
  CHECK_THROWS(domains.throttle(*domain, Writer::of_little, [] {}));
  domain->pages_cleaned(1126);
}

TEST_CASE("a writer of much that waits for long is not overtaken any more") {
  DomainRegistry domains(1000, {});
  const auto domain = domains.get(1);
  domain->pages_dirtied(1050);
  std::atomic<bool> goes_on{false}, little_went_on{false};
  std::thread much([&] {
    domains.throttle(*domain, Writer::of_much, [] {});
    goes_on = true;
  });
  domains.throttle(*domain, Writer::of_little, [] {});  // overtakes him
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  CHECK_FALSE(goes_on);
  std::thread little([&] {
    domains.throttle(*domain, Writer::of_little, [] {});
    little_went_on = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK_FALSE(little_went_on);
  domain->pages_cleaned(100);
  much.join();
  little.join();
  domains.throttle(*domain, Writer::of_little, [] {});
  domain->pages_cleaned(950);
}

TEST_CASE("a sleeping writer wakes when its pages are clean") {
  DomainRegistry domains(1000, {});
  const auto domain = domains.get(1);
  domain->pages_dirtied(2000);
  std::thread cleaner([&] { domain->pages_cleaned(2000); });
  domains.throttle(*domain, Writer::of_much, [] {});
  cleaner.join();
  CHECK(domain->dirty_pages() == 0);
}

TEST_CASE("domains are contended while more than one writes") {
  DomainRegistry domains(1000, {});
  const auto one = domains.get(1), other = domains.get(2);
  domains.throttle(*one, Writer::of_much, [] {});
  domains.throttle(*one, Writer::of_much, [] {});
  CHECK_FALSE(domains.contended());
  domains.throttle(*other, Writer::of_much, [] {});
  CHECK(domains.contended());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  domains.throttle(*other, Writer::of_much, [] {});
  CHECK_FALSE(domains.contended());
}

TEST_CASE("idle domains are forgotten, busy ones are not") {
  DomainRegistry domains(1000, {});
  domains.get(12345)->pages_dirtied(1);
  for (DomainId id = 0; id < 2000; ++id) (void)domains.get(id);
  CHECK(domains.all().size() < 300);
  CHECK(domains.get(12345)->dirty_pages() == 1);
  domains.get(12345)->pages_cleaned(1);
}

}  // namespace butterfuse::writeback_domain_test
