// SPDX-License-Identifier: GPL-2.0-or-later
// OrderSocket: SOCK_SEQPACKET and SCM_RIGHTS, see unix(7).
#include "fs/session/order_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace butterfuse {
namespace {

constexpr size_t kMessageMax = 64u << 10;  // of an answer: what fusermount3 says, with paths in it

struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

}  // namespace

Result<std::pair<OrderSocket, OrderSocket>> OrderSocket::make() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return make_error(errno, "socketpair: {}", std::strerror(errno));
  return std::pair<OrderSocket, OrderSocket>(OrderSocket(ends[0]), OrderSocket(ends[1]));
}

OrderSocket::~OrderSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool OrderSocket::send(const Message& message) const {
  iovec part{const_cast<char*>(message.text.data()), message.text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ControlBuffer control;
  if (message.descriptor >= 0) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = control.bytes.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &message.descriptor, sizeof(int));
  }
  ssize_t sent = 0;
  do sent = ::sendmsg(descriptor_, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(message.text.size());
}

std::optional<Message> OrderSocket::receive() const {
  Message message;
  message.text.resize(kMessageMax);
  iovec part{message.text.data(), message.text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ControlBuffer control;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t got = 0;
  do got = ::recvmsg(descriptor_, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return std::nullopt;
  message.text.resize(static_cast<size_t>(got));
  message.descriptor_lost = (header.msg_flags & MSG_CTRUNC) != 0;
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
    std::memcpy(&message.descriptor, CMSG_DATA(rights), sizeof(int));
  return message;
}

}  // namespace butterfuse
