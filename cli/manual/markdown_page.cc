// SPDX-License-Identifier: GPL-2.0-or-later
// MarkdownPage: a heading a command, a table of its options.
#include "cli/manual/markdown_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace butterfuse {
namespace {

// A bar would end the cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char letter : text) escaped += letter == '|' ? "\\|" : std::string(1, letter);
  return escaped;
}

// In lines, as a person would set it.
std::string wrapped(std::string_view paragraph) {
  constexpr size_t kWidth = 130;
  std::string text;
  size_t column = 0;
  while (!paragraph.empty()) {
    const std::string_view word = paragraph.substr(0, paragraph.find(' '));
    paragraph.remove_prefix(std::min(paragraph.size(), word.size() + 1));
    const bool fits = column + 1 + word.size() <= kWidth;
    if (column != 0) text += fits ? ' ' : '\n';
    column = column == 0 || !fits ? word.size() : column + 1 + word.size();
    text += word;
  }
  return text + "\n";
}

std::string heading_of(const OptionEntry& option) {
  std::string text;
  for (const std::string& name : option.names) text += fmt::format("{}`{}`", text.empty() ? "" : ", ", name);
  return option.value.empty() ? text : text + " " + option.value;
}

std::string table_of(const CommandPage& page) {
  std::string text = "| option | meaning |\n| --- | --- |\n";
  for (const OptionEntry& operand : page.operands)
    text += fmt::format("| {} | {} |\n", operand.names.front(), cell(operand.help));
  for (const OptionEntry& option : page.options) {
    const std::string conditions = conditions_of(option);
    text += fmt::format("| {} | {}{} |\n", heading_of(option), cell(option.help),
                        conditions.empty() ? "" : " (" + conditions + ")");
  }
  return text;
}

std::string usage_of(std::string_view words, const CommandPage& page) {
  return fmt::format("{} {}\n", words, fmt::join(usage_words(page), " "));
}

std::string section_of(const CommandPage& page, std::string_view level) {
  std::string text = fmt::format("\n{} {}\n\n{}.\n\n```\n", level, page.words(), page.summary);
  text += usage_of(page.words(), page);
  for (const std::string_view program : page.notes.programs) text += usage_of(program, page);
  text += "```\n\n";
  for (const std::string_view paragraph : page.notes.paragraphs) text += wrapped(paragraph) + "\n";
  text += table_of(page);
  if (!page.notes.lists.empty()) text += "\n[mount-options.md](mount-options.md) has the mount options.\n";
  if (page.path.size() == 2) text += "\n" + exit_status_line(*page.exit_codes) + "\n";
  for (const CommandPage& command : page.subcommands) text += section_of(command, fmt::format("{}#", level));
  return text;
}

}  // namespace

std::string markdown_page(const CommandPage& program) {
  std::string text =
      "# Commands\n\n" +
      wrapped(
          "What `butterfuse help COMMAND` and the manual pages say: all of it comes from the declarations in `cli`. This "
          "page is the output of `butterfuse help --markdown`; a test compares.");
  for (const CommandPage& command : program.subcommands) text += section_of(command, "##");
  return text;
}

}  // namespace butterfuse
