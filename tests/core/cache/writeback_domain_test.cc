// WritebackDomain: a domain at its limit slows its own writers and nobody else's.
#include "core/cache/writeback_domain.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace butterfuse;

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
  domains.throttle(*domain, [&] { ++kicks; });
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
  domains.throttle(*modest, [] {});
  CHECK_THROWS(domains.throttle(*greedy, [] {}));
  greedy->pages_cleaned(5000);
  modest->pages_cleaned(400);
}

TEST_CASE("a sleeping writer wakes when its pages are clean") {
  DomainRegistry domains(1000, {});
  const auto domain = domains.get(1);
  domain->pages_dirtied(2000);
  std::thread cleaner([&] { domain->pages_cleaned(2000); });
  domains.throttle(*domain, [] {});
  cleaner.join();
  CHECK(domain->dirty_pages() == 0);
}

TEST_CASE("domains are contended while more than one writes") {
  DomainRegistry domains(1000, {});
  const auto one = domains.get(1), other = domains.get(2);
  domains.throttle(*one, [] {});
  domains.throttle(*one, [] {});
  CHECK_FALSE(domains.contended());
  domains.throttle(*other, [] {});
  CHECK(domains.contended());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  domains.throttle(*other, [] {});
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
