// SPDX-License-Identifier: GPL-2.0-or-later
// CrashStates: walking a trace along its counter.
#include "tests/crash/crash_states.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/mkfs_image.h"

namespace butterfuse::crash {
namespace {

constexpr uint64_t kTearBytes = 512;
constexpr size_t kFewWrites = 6;  // 64 subsets

struct Moment {
  uint64_t number;
  const TraceEvent* event;
  bool completed;
};

std::vector<Moment> moments_of(const std::vector<TraceEvent>& events) {
  std::vector<Moment> moments;
  for (const TraceEvent& event : events) {
    const bool ack = event.kind == TraceEvent::Kind::mark && event.text == "ack";
    if (event.kind == TraceEvent::Kind::write || event.kind == TraceEvent::Kind::discard || ack)
      moments.push_back({event.submitted, &event, false});
    if (event.kind == TraceEvent::Kind::flush && event.completed != 0 && !event.failed)
      moments.push_back({event.completed, &event, true});
  }
  std::sort(moments.begin(), moments.end(),
            [](const Moment& a, const Moment& b) { return a.number < b.number; });
  return moments;
}

// A discard leaves what nobody may rely on.
void apply(MemoryDevice& device, const TraceEvent& event, uint64_t bytes_max = UINT64_MAX) {
  if (event.kind == TraceEvent::Kind::write) {
    const ByteSpan bytes = event.payload;
    must(device.write(event.offset, bytes.first(std::min<uint64_t>(bytes.size(), bytes_max)), event.what));
    return;
  }
  const std::vector<std::byte> rubbish(std::min<uint64_t>(event.length, 1 << 20), std::byte{0xdd});
  for (uint64_t done = 0; done < event.length; done += rubbish.size())
    must(device.write(event.offset + done,
                      ByteSpan(rubbish).first(std::min<uint64_t>(rubbish.size(), event.length - done)),
                      WriteKind::data));
}

}  // namespace

CrashStates::CrashStates(std::vector<TraceEvent> events, std::vector<std::shared_ptr<BlockDevice>> bases,
                         uint64_t seed)
    : events_(std::move(events)), random_(seed) {
  for (auto& base : bases) disks_.push_back(std::make_shared<MemoryDevice>(std::move(base)));
}

void CrashStates::for_each(const std::function<bool(const CrashState&)>& visit, int samples,
                           uint64_t one_of) {
  visit_ = visit;
  one_of_ = one_of;
  for (const Moment& moment : moments_of(events_)) {
    if (stopped_) return;
    if (moment.event->kind == TraceEvent::Kind::mark) {
      ++acks_;
      continue;
    }
    if (!moment.completed) {
      pending_.push_back(moment.event);
      prefix(moment.number);
      continue;
    }
    subsets(moment.number, samples);
    tears(moment.number);
    settle(*moment.event);
  }
  subsets(UINT64_MAX, samples);
  tears(UINT64_MAX);
}

void CrashStates::state(uint64_t time, const Subset& subset, const Tear& tear, const char* why) {
  if (stopped_ || (one_of_ > 1 && random_() % one_of_ != 0)) return;
  std::string key = fmt::format("{}:", acks_);
  for (const size_t index : subset) key += fmt::format("{},", index);
  key += fmt::format("/{}:{}", tear.index, tear.sectors);
  if (!seen_.insert(key).second) return;
  CrashState state;
  state.time = time;
  state.what = fmt::format("{}: {} of {} unflushed writes [{}]", why, subset.size(), pending_.size(), key);
  for (const auto& disk : disks_) state.devices.push_back(std::make_shared<MemoryDevice>(disk));
  for (const size_t index : subset) {
    const TraceEvent& event = *pending_[index];
    apply(*state.devices[event.device], event, index == tear.index ? tear.sectors * kTearBytes : UINT64_MAX);
  }
  stopped_ = !visit_(state);
}

void CrashStates::prefix(uint64_t time) {
  Subset all(pending_.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  state(time, all, "prefix");
}

void CrashStates::subsets(uint64_t time, int samples) {
  const size_t count = pending_.size();
  const auto choose = [&](auto&& wanted, const char* why) {
    Subset subset;
    for (size_t i = 0; i < count; ++i)
      if (wanted(i)) subset.push_back(i);
    state(time, subset, why);
  };
  if (count <= kFewWrites) {
    for (uint64_t bits = 0; bits < uint64_t{1} << count; ++bits)
      choose([&](size_t i) { return (bits >> i) & 1; }, "subset");
    return;
  }
  const auto is_super = [&](size_t i) { return pending_[i]->what == WriteKind::super; };
  choose([](size_t) { return false; }, "none");
  choose([&](size_t i) { return !is_super(i); }, "no superblock");
  choose(is_super, "superblocks only");
  for (size_t one = 0; one < count; ++one) {
    choose([&](size_t i) { return i != one; }, "one missing");
    choose([&](size_t i) { return i == one; }, "one alone");
  }
  for (int sample = 0; sample < samples; ++sample)
    choose([&](size_t) { return random_() & 1; }, "random subset");
}

void CrashStates::tears(uint64_t time) {
  if (pending_.empty()) return;
  Subset all(pending_.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto tear = [&](size_t index, uint64_t sectors) {
    state(time, Subset(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(index) + 1), {index, sectors},
          "torn");
  };
  for (size_t i = all.size(); i-- > 0;) {
    if (pending_[i]->what != WriteKind::super) continue;
    for (uint64_t sectors = 1; sectors < pending_[i]->payload.size() / kTearBytes; ++sectors)
      tear(i, sectors);
    break;
  }
  const size_t other = random_() % all.size();
  const uint64_t sectors = pending_[other]->payload.size() / kTearBytes;
  if (sectors > 1) tear(other, 1 + random_() % (sectors - 1));
}

// What completed before the flush was asked for is durable on its device.
void CrashStates::settle(const TraceEvent& flush) {
  std::vector<const TraceEvent*> left;
  for (const TraceEvent* write : pending_) {
    const bool durable =
        write->device == flush.device && write->completed != 0 && write->completed < flush.submitted;
    if (durable)
      apply(*disks_[write->device], *write);
    else
      left.push_back(write);
  }
  if (left.size() != pending_.size()) seen_.clear();
  pending_ = std::move(left);
}

}  // namespace butterfuse::crash
