// SPDX-License-Identifier: GPL-2.0-or-later
// What the rows of the option table are made of.
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/numbers.h"
#include "fs/options/option_table.h"

namespace butterfuse {

// The value is wrong. Without words: the parser has the row, and tells what is allowed.
inline tl::unexpected<Error> bad_option_value() { return tl::unexpected(Error{EINVAL, {}}); }

// Decimal, or hexadecimal behind 0x.
template <class T>
std::optional<T> parse_whole_number(std::string_view text) {
  if (text.starts_with("0x")) return parse_integer<T>(text.substr(2), 16);
  return parse_integer<T>(text);
}

// As the kernel reads its numbers (kstrtoull with base 0): octal behind another 0, too. For options of btrfs
// and of the kernel, whose words are copied from its documents; our own take parse_whole_number.
template <class T>
std::optional<T> parse_kernel_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with("0x") || text.starts_with("0X")) return parse_integer<T>(text.substr(2), 16);
  return parse_integer<T>(text, text.starts_with('0') ? 8 : 10);
}

// As the kernel reads its sizes (memparse): such a number and one letter. Other sizes as elsewhere. A last
// "e" is a unit (2^60) but behind 0x, where it is a digit. Nothing for what does not fit 64 bits.
inline std::optional<uint64_t> parse_kernel_size(std::string_view text) {
  constexpr std::string_view kLetters = "kKmMgGtTpPeE";
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const size_t letter = text.empty() ? text.npos : kLetters.find(text.back());
  const bool has_unit = letter != text.npos && !(is_hex && (text.back() == 'e' || text.back() == 'E'));
  const auto number = parse_kernel_number<uint64_t>(has_unit ? text.substr(0, text.size() - 1) : text);
  if (!number) return parse_size(text);
  // The letters stand in pairs: 10 bits for each pair, from k on.
  const size_t shift = has_unit ? 10 * (letter / 2 + 1) : 0;
  if ((*number << shift) >> shift != *number) return std::nullopt;
  return *number << shift;
}

// A word without a value. action(options) does what it says.
template <class Action>
MountOptionRow flag_row(std::string_view name, std::string_view help, Action action) {
  return {name, "", OptionEffect::acted_on, help, [action](const OptionWord&, MountOptions& options) {
            action(options);
            return Status{};
          }};
}

// A word that needs a value: `value` begins with "=", so that the parser lets nothing else come here, and
// word.value is there. parse(text) gives an optional, store(options, number) keeps it.
template <class Parse, class Store>
MountOptionRow value_row(std::string_view name, std::string_view value, std::string_view help, Parse parse,
                         Store store) {
  return {name, value, OptionEffect::acted_on, help,
          [parse, store](const OptionWord& word, MountOptions& options) -> Status {
            const auto number = parse(std::string_view(*word.value));
            if (!number) return bad_option_value();
            store(options, *number);
            return {};
          }};
}

// Handed to libfuse, which hands it to the kernel or to fusermount3.
inline MountOptionRow passed_row(std::string_view name, std::string_view value, std::string_view help) {
  return {name, value, OptionEffect::acted_on, help, [](const OptionWord& word, MountOptions& options) {
            options.fuse_options.push_back(word.word);
            return Status{};
          }};
}

// Taken, and told in the log as of no effect. The value, where there is one, is looked at all the same: a
// wrong one is a mistake of whoever wrote it, whatever the option would do.
inline MountOptionRow idle_row(std::string_view name, std::string_view value, std::string_view help,
                               bool (*is_good)(std::string_view) = nullptr) {
  return {name, value, OptionEffect::no_effect, help,
          [is_good](const OptionWord& word, MountOptions& options) -> Status {
            if (word.value && is_good != nullptr && !is_good(*word.value)) return bad_option_value();
            options.ignored.push_back(word.text());
            return {};
          }};
}

// Words of fstab that other programs have read already. Nothing is kept of them, not even a line in the log.
inline MountOptionRow helper_row(std::string_view name, std::string_view value, std::string_view help) {
  return {name, value, OptionEffect::for_helpers, help,
          [](const OptionWord&, MountOptions&) { return Status{}; }};
}

// ENOTSUP with the reason: what it asks for would not happen, and passing it over in silence would be taken
// for a yes.
inline MountOptionRow refused_row(std::string_view name, std::string_view value, std::string_view reason) {
  return {name, value, OptionEffect::refused, reason,
          [reason](const OptionWord& word, MountOptions&) -> Status {
            return make_error(ENOTSUP, "mount option '{}' is refused: {}", word.text(), reason);
          }};
}

}  // namespace butterfuse
