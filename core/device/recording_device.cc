// SPDX-License-Identifier: GPL-2.0-or-later
// RecordingDevice and its Trace.
// The payload is copied when a write is submitted: its memory may be used for something else once it is done.
#include "core/device/recording_device.h"

namespace butterfuse {

uint64_t Trace::mark(std::string text) {
  TraceEvent event;
  event.text = std::move(text);
  const uint64_t submitted = submit(std::move(event));
  complete(submitted, false);
  return submitted;
}

std::vector<TraceEvent> Trace::events() const {
  MutexLock lock(mutex_);
  std::vector<TraceEvent> copy;
  copy.reserve(events_.size());
  for (const auto& [submitted, event] : events_) copy.push_back(event);
  return copy;
}

size_t Trace::size() const {
  MutexLock lock(mutex_);
  return events_.size();
}

void Trace::clear() {
  MutexLock lock(mutex_);
  events_.clear();
}

uint64_t Trace::submit(TraceEvent event) {
  MutexLock lock(mutex_);
  event.submitted = next_++;
  uint64_t number = event.submitted;
  events_.emplace(number, std::move(event));
  return number;
}

void Trace::complete(uint64_t submitted, bool failed) {
  MutexLock lock(mutex_);
  auto found = events_.find(submitted);
  if (found == events_.end()) return;  // cleared meanwhile
  found->second.completed = next_++;
  found->second.failed = failed;
}

Status RecordingDevice::write(uint64_t offset, ByteSpan from, WriteKind kind) {
  TraceEvent event;
  event.kind = TraceEvent::Kind::write;
  event.what = kind;
  event.device = device_;
  event.offset = offset;
  event.length = from.size();
  event.payload.assign(from.begin(), from.end());
  uint64_t number = trace_->submit(std::move(event));
  Status status = base_->write(offset, from, kind);
  trace_->complete(number, !status);
  return status;
}

// As one write, which is what a disk may see of it.
Status RecordingDevice::write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) {
  std::vector<std::byte> whole;
  for (ByteSpan piece : pieces) whole.insert(whole.end(), piece.begin(), piece.end());
  return write(offset, whole, kind);
}

Status RecordingDevice::flush() {
  TraceEvent event;
  event.kind = TraceEvent::Kind::flush;
  event.device = device_;
  uint64_t number = trace_->submit(std::move(event));
  Status status = base_->flush();
  trace_->complete(number, !status);
  return status;
}

void RecordingDevice::discard(uint64_t offset, uint64_t length) {
  TraceEvent event;
  event.kind = TraceEvent::Kind::discard;
  event.device = device_;
  event.offset = offset;
  event.length = length;
  uint64_t number = trace_->submit(std::move(event));
  base_->discard(offset, length);
  trace_->complete(number, false);
}

}  // namespace butterfuse
