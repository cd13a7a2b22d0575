// SPDX-License-Identifier: GPL-2.0-or-later
// ReadaheadWindow: a window that doubles.
//
//     [ ... was read ... )[ request )------- window_ -------)
//                                   ^ expected_   ^ scheduled_: what lies between is on its way, or there
#include "core/file_data/readahead_window.h"

namespace butterfuse {

// How far out of order a request of the stream may be: no further than what was read ahead, or than the few
// requests that the kernel has at work at once. In a small window a jump is a jump.
bool ReadaheadWindow::goes_on(ByteRange request) const {
  constexpr uint64_t kRequestsAtOnce = 3, kMostSlackBytes = 3u << 20;
  if (request.start == expected_) return true;
  if (window_ == 0) return false;
  const uint64_t slack = std::min(kMostSlackBytes, std::max(window_, kRequestsAtOnce * request.length()));
  return request.start <= expected_ + slack && request.start + slack >= expected_;
}

ByteRange ReadaheadWindow::advance(ByteRange request) {
  MutexLock lock(mutex_);
  const bool first = expected_ == 0;
  if (!goes_on(request)) {
    expected_ = scheduled_ = request.end;
    window_ = 0;
    return {};
  }
  expected_ = std::max(expected_, request.end);
  scheduled_ = std::max(scheduled_, request.start);
  // Refill when half of the window is used up, so that each refill is of a useful size.
  if (window_ > 0 && scheduled_ >= expected_ + window_ / 2) return {};
  const bool head = first && request.length() <= kHeadBytes;
  window_ = head ? request.length() : std::min(kMostBytes, 2 * std::max(window_, request.length()));
  const ByteRange ahead{scheduled_, expected_ + window_};
  scheduled_ = ahead.end;
  return ahead;
}

}  // namespace butterfuse
