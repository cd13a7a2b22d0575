// SPDX-License-Identifier: GPL-2.0-or-later
// Question: what counts as yes. In children, who have a standard input of their own.
#include "cli/process/question.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "cli/process/interruption.h"
#include "tests/cli/process/printed.h"
#include "tests/support/catch/in_a_child.h"

namespace butterfuse::question_test {
namespace {

// Standard input becomes this text.
void let_answer(const std::string& text) {
  int ends[2];
  (void)!::pipe2(ends, O_CLOEXEC);
  (void)!::write(ends[1], text.data(), text.size());
  ::dup2(ends[0], STDIN_FILENO);
  ::close(ends[0]), ::close(ends[1]);
}

// As in ask_on, but for standard input, which CapturedOutput would take away.
std::string asked(const std::string& answer) {
  return in_a_child([&]() -> std::string {
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(null, STDERR_FILENO);
    let_answer(answer);
    return ask_on(QuestionStream::error, "Go on?") == Answer::yes ? "yes" : "no";
  });
}

}  // namespace

TEST_CASE("yes is said in one word, in any case, with blanks around it") {
  for (const char* answer : {"y\n", "Y\n", "yes\n", "YES\n", "yEs\n", "  yes \t\n", "y\r\n", "y", "yes"}) {
    INFO("'" << answer << "'");
    CHECK(asked(answer) == "yes");
  }
}

TEST_CASE("everything else is no") {
  for (const char* answer : {"", "\n", "n\n", "no\n", "ye\n", "yess\n", "y y\n", "yes please\n", "1\n",
                             "\ny\n", "j\n", " \t\n", "\xff\n"}) {
    INFO("'" << answer << "'");
    CHECK(asked(answer) == "no");
  }
}

TEST_CASE("of two lines the second is left to the next question") {
  CHECK(in_a_child([]() -> std::string {
          const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
          ::dup2(null, STDERR_FILENO);
          let_answer("no\nyes\n");
          const bool first = ask_on(QuestionStream::error, "One?") == Answer::yes;
          const bool second = ask_on(QuestionStream::error, "Two?") == Answer::yes;
          return std::string(first ? "yes" : "no") + (second ? " yes" : " no");
        }) == "no yes");
}

TEST_CASE("a question says which answer is taken for granted, and escapes what is odd in it") {
  CHECK(printed([] { (void)ask_on(QuestionStream::error, "Remove 'a\nb'?"); }) == "Remove 'a\\x0ab'? [y/N] ");
  CHECK(printed([] { (void)ask_on(QuestionStream::output, "Go on?"); }) == "Go on? [y/N] ");
}

TEST_CASE("a question that can't be printed is answered no, and nothing is read") {
  CHECK(in_a_child([]() -> std::string {
          let_answer("yes\n");
          const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
          ::dup2(full, STDOUT_FILENO);
          const bool said = ask_on(QuestionStream::output, "Go on?") == Answer::yes;
          char byte = 0;
          return std::string(said ? "yes" : "no") +
                 (::read(STDIN_FILENO, &byte, 1) == 1 ? ", unread" : ", read");
        }) == "no, unread");
}

TEST_CASE("who is interrupted has not said yes") {
  CHECK(in_a_child([]() -> std::string {
          const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
          ::dup2(null, STDERR_FILENO);
          let_answer("yes\n");
          Interruption::watch();
          ::raise(SIGINT);
          return ask_on(QuestionStream::error, "Go on?") == Answer::yes ? "yes" : "no";
        }) == "no");
}

}  // namespace butterfuse::question_test
