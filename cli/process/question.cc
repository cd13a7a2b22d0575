// SPDX-License-Identifier: GPL-2.0-or-later
// Question: one line of standard input.
#include "cli/process/question.h"

#include <unistd.h>

#include <cctype>

#include "cli/process/interruption.h"
#include "cli/process/standard_streams.h"
#include "core/base/shown_name.h"

namespace butterfuse {
namespace {

// By read(2), which a signal ends, a byte at a time: what is behind the line is left for whoever reads on.
// The end of input ends the line as well.
std::string line_of_input() {
  std::string line;
  for (char byte = 0; !Interruption::requested() && ::read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n';)
    line += byte;
  return line;
}

bool is_yes(const std::string& line) {
  std::string word;
  for (const char byte : line) word += static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  const size_t first = word.find_first_not_of(" \t\r");
  if (first == std::string::npos) return false;
  word = word.substr(first, word.find_last_not_of(" \t\r") + 1 - first);
  return word == "y" || word == "yes";
}

}  // namespace

Answer ask_on(QuestionStream stream, const std::string& question) {
  const std::string text = shown_text(question) + " [y/N] ";
  if (stream == QuestionStream::error) {
    StandardStreams::write_raw_complaint(text);
  } else {
    StandardStreams::write(text);
    if (StandardStreams::write_error() != 0) return Answer::no;
  }
  return is_yes(line_of_input()) && !Interruption::requested() ? Answer::yes : Answer::no;
}

}  // namespace butterfuse
