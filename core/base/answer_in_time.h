// SPDX-License-Identifier: GPL-2.0-or-later
// AnswerInTime: a question to a file system whose server may hang.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

namespace butterfuse {

// A request that a FUSE server has read and does not answer holds up who made it until the server ends, even
// against SIGKILL. Such a file system must not hold up who only wanted to know whether it is any concern of
// his. So the question is asked by a child process, which is left behind if it gets no answer.

enum class Asked { answered, too_late, no_child };

// `question` fills the answer, which starts as zeros, within a second or for nothing; while it lacks a
// processor it has ten. It runs in the child of a process that may have several threads: system calls only,
// no memory, and no descriptor of ours is open there. What did not answer (`whom`) counts as too late for
// half a minute, so that who looks again and again leaves no crowd of children. Thread-safe.
Asked ask_in_time(const std::string& whom, std::span<std::byte> answer,
                  const std::function<void()>& question);

// As above, for an answer of a type of one's own. Where there is no child to be had it is asked without a
// limit.
template <class Answer>
std::optional<Answer> answer_in_time(const std::string& whom, const std::function<void(Answer&)>& question) {
  static_assert(std::is_trivially_copyable_v<Answer>);
  Answer answer{};
  const auto asked =
      ask_in_time(whom, std::as_writable_bytes(std::span(&answer, 1)), [&] { question(answer); });
  if (asked == Asked::too_late) return std::nullopt;
  if (asked == Asked::no_child) question(answer);
  return answer;
}

}  // namespace butterfuse
