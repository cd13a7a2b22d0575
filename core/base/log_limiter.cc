// SPDX-License-Identifier: GPL-2.0-or-later
// Buckets of tokens, one for each kind of message and one for all.
#include "core/base/log_limiter.h"

#include <algorithm>
#include <utility>

namespace butterfuse {
namespace {

// Ten say what is going on, and one in ten seconds that it goes on still. Over all kinds one a second is
// some 86,000 lines a day, which no disk is filled by; two hundred at first are a bad mount's worth of
// different findings.
constexpr double kKindMost = 10, kKindPerSecond = 0.1;
constexpr double kAllMost = 200, kAllPerSecond = 1;
// Enough to know the message again by.
constexpr size_t kSampleBytes = 200;

bool ends_word(char letter) { return letter == ' ' || letter == ',' || letter == ':' || letter == ';'; }

// FNV-1a of the words without digits. Never 0.
uint64_t hash_of_kind(std::string_view message) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](char letter) { hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3; };
  while (!message.empty()) {
    const auto end = std::ranges::find_if(message, ends_word);
    const std::string_view word = message.substr(0, static_cast<size_t>(end - message.begin()));
    if (word.find_first_of("0123456789") != std::string_view::npos) {
      add('#');
    } else {
      for (const char letter : word) add(letter);
    }
    add(' ');
    message.remove_prefix(std::min(message.size(), word.size() + 1));
  }
  return hash != 0 ? hash : 1;
}

}  // namespace

bool LogLimiter::Bucket::take(Clock::time_point now, double most, double per_second) {
  const std::chrono::duration<double> passed = now - filled;
  tokens = std::min(most, filled == Clock::time_point{} ? most : tokens + passed.count() * per_second);
  filled = now;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

// The one not used for longest gives way.
LogLimiter::Kind& LogLimiter::kind_of(uint64_t hash, Clock::time_point now) {
  const auto known = std::ranges::find(kinds_, hash, &Kind::hash);
  Kind& kind = known != kinds_.end() ? *known : *std::ranges::min_element(kinds_, {}, &Kind::used);
  if (known == kinds_.end()) kind = Kind{}, kind.hash = hash;
  kind.used = now;
  return kind;
}

std::optional<uint64_t> LogLimiter::admit(std::string_view message, Clock::time_point now) {
  MutexLock lock(mutex_);
  Kind& kind = kind_of(hash_of_kind(message), now);
  if (!kind.bucket.take(now, kKindMost, kKindPerSecond) || !all_.take(now, kAllMost, kAllPerSecond)) {
    ++kind.left_out;
    return std::nullopt;
  }
  kind.sample = message.substr(0, kSampleBytes);
  return std::exchange(kind.left_out, 0);
}

void LogLimiter::tell_left_out(const std::function<void(uint64_t, std::string_view)>& visit) {
  MutexLock lock(mutex_);
  for (Kind& kind : kinds_)
    if (kind.left_out != 0) visit(std::exchange(kind.left_out, 0), kind.sample);
}

}  // namespace butterfuse
