// SPDX-License-Identifier: GPL-2.0-or-later
// OrderSocket: short messages between two processes, with descriptors.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/base/result.h"

namespace butterfuse {

struct Message {
  std::string text;              // never empty, at most 64 KiB
  int descriptor = -1;           // the receiver's to close; -1: none
  bool descriptor_lost = false;  // there was one, and no number free for it
};

// One end. Owns its descriptor. One thread at a time.
class OrderSocket {
 public:
  // Both ends, close-on-exec.
  static Result<std::pair<OrderSocket, OrderSocket>> make();
  explicit OrderSocket(int descriptor) : descriptor_(descriptor) {}
  OrderSocket(OrderSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~OrderSocket();

  // False when the other side is gone. Does not close the message's descriptor.
  bool send(const Message& message) const;
  // Waits. Nothing when the other side is gone.
  std::optional<Message> receive() const;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

}  // namespace butterfuse
