// SPDX-License-Identifier: GPL-2.0-or-later
// Roff: what has a meaning of its own in roff, and how it is written there.
#include "cli/manual/roff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace butterfuse {
namespace {

enum class Hyphens { as_text, as_typed };

// Quotes, backquotes, carets and tildes would come out as their typographic kin.
std::string_view glyph_of(char letter) {
  switch (letter) {
    case '\\':
      return "\\e";
    case '\'':
      return "\\(aq";
    case '`':
      return "\\(ga";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    case '"':
      return "\\(dq";
    default:
      return {};
  }
}

std::string escaped(std::string_view plain, Hyphens hyphens) {
  std::string text;
  for (size_t at = 0; at < plain.size(); ++at) {
    const char letter = plain[at];
    const bool begins_word = at == 0 || std::isalnum(static_cast<unsigned char>(plain[at - 1])) == 0;
    if (letter == '-')
      text += begins_word || hyphens == Hyphens::as_typed ? "\\-" : "-";
    else if (const std::string_view glyph = glyph_of(letter); !glyph.empty())
      text += glyph;
    else
      text += letter;
  }
  // A point at the beginning of a line would be a request.
  return text.starts_with('.') ? "\\&" + text : text;
}

}  // namespace

std::string roff_text(std::string_view plain) { return escaped(plain, Hyphens::as_text); }

std::string roff_literal(std::string_view plain) {
  return "\\fB" + escaped(plain, Hyphens::as_typed) + "\\fP";
}

std::string roff_placeholder(std::string_view plain) {
  return "\\fI" + escaped(plain, Hyphens::as_typed) + "\\fP";
}

std::string roff_marked(std::string_view marked) {
  std::string text;
  for (bool is_literal = false; !marked.empty(); is_literal = !is_literal) {
    const std::string_view part = marked.substr(0, marked.find('`'));
    if (!part.empty()) text += is_literal ? roff_literal(part) : roff_text(part);
    marked.remove_prefix(std::min(marked.size(), part.size() + 1));
  }
  return text;
}

Roff::Roff(std::string_view name, int section, std::string_view source, std::string_view manual)
    : text_(fmt::format(".TH \"{}\" {} \"\" \"{}\" \"{}\"\n.nh\n.ad l\n", roff_text(name), section,
                        roff_text(source), roff_text(manual))) {}

void Roff::section(std::string_view title) { text_ += fmt::format(".SH \"{}\"\n", roff_text(title)); }

void Roff::subsection(std::string_view title) { text_ += fmt::format(".SS \"{}\"\n", roff_text(title)); }

void Roff::paragraph(std::string_view text) { text_ += fmt::format(".PP\n{}\n", text); }

void Roff::line(std::string_view text) { text_ += fmt::format("{}\n", text); }

void Roff::term(std::string_view term, std::string_view text) {
  text_ += fmt::format(".TP\n{}\n{}\n", term, text);
}

void Roff::example(std::string_view text) { text_ += fmt::format(".PP\n.nf\n.RS\n{}\n.RE\n.fi\n", text); }

std::string roff_link(std::string_view name, int section) {
  return fmt::format(".so man{}/{}.{}\n", section, name, section);
}

}  // namespace butterfuse
