// SPDX-License-Identifier: GPL-2.0-or-later
// Roff: text in the macros of man(7).
#pragma once

#include <string>
#include <string_view>

namespace butterfuse {

// Plain text that is shown as it is, wherever it stands in a line. A hyphen at the beginning of a word is a
// minus, as that of options is.
std::string roff_text(std::string_view plain);
// The same in bold, all hyphens as typed: what is to be typed as it stands.
std::string roff_literal(std::string_view plain);
// In italics: what stands for something else.
std::string roff_placeholder(std::string_view plain);
// With its words in `backquotes` as literals.
std::string roff_marked(std::string_view marked);

// A page, from its top on; options are not hyphenated, nor spread over a line. Arguments are escaped already
// (roff_*), but for those of title and section.
class Roff {
 public:
  // `source` stands below the page, as does `manual` above it.
  Roff(std::string_view name, int section, std::string_view source, std::string_view manual);
  void section(std::string_view title);
  void subsection(std::string_view title);
  void paragraph(std::string_view text);
  void line(std::string_view text);                         // goes on with the paragraph
  void term(std::string_view term, std::string_view text);  // explained below it, indented
  void example(std::string_view text);                      // one line, as it stands
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// A page that is another one.
std::string roff_link(std::string_view name, int section);

}  // namespace butterfuse
