// SPDX-License-Identifier: GPL-2.0-or-later
// Parsing of mount options: word by word, by the table.
//
// For each word: the row of its name; whether there is a value as the row wants it; then the row's own
// function, which sets a member of MountOptions, or says without words that the value is none of its. A
// refused row tells its reason whatever value stands behind it. An unknown name is told with the known one
// that is nearest.
//
// What was understood is kept as it was written (MountOptions::text): a remount reads it back, and parses it
// again. So words that were passed over are not in it.
#include "fs/options/parse_options.h"

#include "core/base/nearest_word.h"
#include "fs/options/option_table.h"
#include "fs/options/option_words.h"

namespace butterfuse {
namespace {

OptionWord taken_apart(std::string_view word) {
  const size_t equals = word.find('=');
  OptionWord option{std::string(word.substr(0, equals)), std::nullopt, std::string(word)};
  if (equals != std::string_view::npos) option.value = unescaped_option_value(word.substr(equals + 1));
  return option;
}

tl::unexpected<Error> unknown_option(const OptionWord& option) {
  // A family ("x-*") is nothing that could have been meant.
  std::vector<std::string_view> names;
  for (const MountOptionGroup& group : mount_option_groups())
    for (const MountOptionRow& row : group.rows)
      if (!row.name.ends_with('*')) names.push_back(row.name);
  return make_error(EINVAL, "unknown mount option '{}'{}", option.text(), did_you_mean(option.name, names));
}

tl::unexpected<Error> bad_value(const OptionWord& option, const MountOptionRow& row) {
  if (row.value.empty()) return make_error(EINVAL, "mount option '{}' takes no value", option.name);
  if (!option.value)
    return make_error(EINVAL, "mount option '{}' needs a value: {}{}", option.name, row.name, row.value);
  return make_error(EINVAL, "bad value in mount option '{}': {}{} is allowed ({})", option.text(), row.name,
                    row.value, row.help);
}

Status apply_option(const OptionWord& option, const MountOptionRow& row, MountOptions& options) {
  const bool refused = row.effect == OptionEffect::refused;
  if (!refused && option.value && row.value.empty()) return bad_value(option, row);
  if (!refused && !option.value && row.value.starts_with('=')) return bad_value(option, row);
  Status applied = row.apply(option, options);
  if (!applied && applied.error().message.empty()) return bad_value(option, row);
  return applied;
}

}  // namespace

Status parse_mount_options(std::string_view text, MountOptions& options, UnknownOptions unknown) {
  while (!text.empty()) {
    const std::string_view word = take_option_word(text);
    if (word.empty()) continue;
    const OptionWord option = taken_apart(word);
    const MountOptionRow* row = find_mount_option(option.name);
    if (row == nullptr) {
      if (unknown == UnknownOptions::refuse) return unknown_option(option);
      options.ignored.push_back(option.text());
      continue;
    }
    BF_TRY(apply_option(option, *row, options));
    options.text += (options.text.empty() ? "" : ",") + option.word;
  }
  return {};
}

}  // namespace butterfuse
