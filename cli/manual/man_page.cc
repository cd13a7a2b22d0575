// SPDX-License-Identifier: GPL-2.0-or-later
// ManPage: sections in the order of man-pages(7).
#include "cli/manual/man_page.h"

#include <fmt/format.h>

#include <cctype>

#include "cli/manual/roff.h"

namespace butterfuse {
namespace {

constexpr int kSection = 8;

bool is_program(const CommandPage& page) { return page.path.size() == 1; }

std::string page_reference(const CommandPage& page) {
  return fmt::format("{}({})", roff_literal(page.name()), kSection);
}

std::string usage_of(std::string_view words, const CommandPage& page) {
  std::string text = roff_literal(words);
  for (const std::string& word : usage_words(page)) text += " " + roff_placeholder(word);
  return text;
}

// "-o, --options OPTIONS".
std::string heading_of(const OptionEntry& option) {
  std::string text;
  for (const std::string& name : option.names) text += (text.empty() ? "" : ", ") + roff_literal(name);
  if (!option.value.empty()) text += " " + roff_placeholder(option.value);
  return text;
}

void add_options(Roff& roff, const CommandPage& page) {
  for (const OptionEntry& operand : page.operands)
    roff.term(roff_placeholder(operand.names.front()), roff_text(operand.help));
  for (const OptionEntry& option : page.options) {
    const std::string conditions = conditions_of(option);
    roff.term(heading_of(option),
              roff_text(conditions.empty() ? option.help : fmt::format("{} ({})", option.help, conditions)));
  }
}

std::string begun_small(std::string text) {
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// For apropos(1) and whatis(1): all names that lead to this page.
void add_name(Roff& roff, const CommandPage& page) {
  roff.section("NAME");
  std::string names = page.name();
  for (const std::string_view program : page.notes.programs) names += fmt::format(", {}", program);
  roff.line(fmt::format("{} \\- {}", roff_text(names), roff_text(begun_small(page.summary))));
}

void add_synopsis(Roff& roff, const CommandPage& page) {
  roff.section("SYNOPSIS");
  roff.line(usage_of(page.words(), page));
  for (const std::string_view program : page.notes.programs) {
    roff.line(".br");
    roff.line(usage_of(program, page));
  }
}

void add_description(Roff& roff, const CommandPage& page) {
  if (page.notes.paragraphs.empty()) return;
  roff.section("DESCRIPTION");
  for (const std::string_view paragraph : page.notes.paragraphs) roff.paragraph(roff_marked(paragraph));
}

std::string in_capitals(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

void add_lists(Roff& roff, const CommandPage& page) {
  if (page.notes.lists.empty()) return;
  roff.section(in_capitals(page.notes.lists_title));
  if (!page.notes.lists_about.empty())
    roff.line(roff_text(fmt::format("{}, {}.", page.notes.lists_title, page.notes.lists_about)));
  for (const TermList& list : page.notes.lists) {
    if (!list.title.empty()) roff.subsection(list.title);
    for (const auto& [term, text] : list.entries) roff.term(roff_literal(term), roff_text(text));
  }
}

// The pages of the program's commands are elsewhere.
void add_subcommands(Roff& roff, const CommandPage& page) {
  if (page.subcommands.empty()) return;
  roff.section("COMMANDS");
  for (const CommandPage& command : page.subcommands) {
    if (is_program(page)) {
      roff.term(page_reference(command), roff_text(command.summary));
      continue;
    }
    roff.subsection(command.words());
    roff.line(roff_text(command.summary) + ".");
    roff.paragraph(usage_of(command.words(), command));
    add_options(roff, command);
  }
}

void add_exit_statuses(Roff& roff, const ExitCodes& codes) {
  roff.section("EXIT STATUS");
  if (!codes.model.empty()) roff.line(roff_text(fmt::format("As {} has them.", codes.model)));
  if (codes.bits) roff.line("Where several are true they are added up.");
  for (const ExitStatus& status : codes.statuses)
    roff.term(roff_literal(std::to_string(status.code)), roff_text(status.meaning));
}

void add_examples(Roff& roff, const CommandPage& page) {
  if (page.notes.examples.empty()) return;
  roff.section("EXAMPLES");
  for (const auto& [command, meaning] : page.notes.examples) {
    roff.paragraph(roff_marked(meaning));
    roff.example(roff_literal(command));
  }
}

void add_see_also(Roff& roff, const CommandPage& page) {
  std::string text = is_program(page) ? "" : fmt::format("{}({})", roff_literal(page.path[0]), kSection);
  for (const CommandPage& command : page.subcommands)
    if (is_program(page)) text += (text.empty() ? "" : ", ") + page_reference(command);
  for (const std::string_view other : page.notes.see_also) {
    const size_t bracket = other.find('(');
    text += (text.empty() ? "" : ", ") + roff_literal(other.substr(0, bracket)) +
            roff_text(other.substr(bracket));
  }
  if (text.empty()) return;
  roff.section("SEE ALSO");
  roff.line(text);
}

ManualFile file_of(const CommandPage& page) {
  return {fmt::format("{}.{}", page.name(), kSection), man_page(page)};
}

}  // namespace

std::string man_page(const CommandPage& page) {
  Roff roff(page.name(), kSection, "butterfuse " BUTTERFUSE_VERSION, "Manual of butterfuse");
  add_name(roff, page);
  add_synopsis(roff, page);
  add_description(roff, page);
  roff.section("OPTIONS");
  add_options(roff, page);
  add_lists(roff, page);
  add_subcommands(roff, page);
  add_exit_statuses(roff, *page.exit_codes);
  add_examples(roff, page);
  add_see_also(roff, page);
  return roff.text();
}

std::vector<ManualFile> man_pages(const CommandPage& program) {
  std::vector<ManualFile> files{file_of(program)};
  for (const CommandPage& command : program.subcommands) {
    files.push_back(file_of(command));
    for (const std::string_view name : command.notes.programs)
      files.push_back({fmt::format("{}.{}", name, kSection), roff_link(command.name(), kSection)});
  }
  return files;
}

}  // namespace butterfuse
