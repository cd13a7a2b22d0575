// Parsing of mount options: word by word, by the table.
#include "fs/vfs/options.h"

#include <algorithm>

#include "core/base/nearest_word.h"
#include "fs/vfs/option_table.h"
#include "fs/vfs/option_words.h"

namespace butterfuse {
namespace {

OptionWord taken_apart(std::string_view word) {
  const size_t equals = word.find('=');
  OptionWord option{std::string(word.substr(0, equals)), std::nullopt, std::string(word)};
  if (equals != std::string_view::npos) option.value = unescaped_option_value(word.substr(equals + 1));
  return option;
}

tl::unexpected<Error> unknown_option(const OptionWord& option) {
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

bool same_effect(MountOptions a, MountOptions b) {
  for (MountOptions* options : {&a, &b}) {
    options->text.clear();
    options->ignored.clear();
    options->mount_point_mode.reset();
    auto& passed = options->fuse_options;
    std::sort(passed.begin(), passed.end());
    passed.erase(std::unique(passed.begin(), passed.end()), passed.end());
  }
  return a == b;
}

Status check_mount_options(const MountOptions& options) {
  const auto& passed = options.fuse_options;
  if (options.fakeroot && std::find(passed.begin(), passed.end(), "allow_other") != passed.end())
    return make_error(EINVAL, "'fakeroot' lets everyone in do everything: not with 'allow_other'");
  if (!options.replay_log && !options.read_only)
    return make_error(EINVAL, "mounting without the log (norecovery, rescue=nologreplay) needs 'ro'");
  if (!options.check_data_csums && !options.read_only)
    return make_error(EINVAL, "mounting without checksums (rescue=ignoredatacsums) needs 'ro'");
  if ((options.rescue.may_change_trees() || options.rescue.metadata_csums || options.rescue.super_flags) && !options.read_only)
    return make_error(EINVAL, "mounting in spite of damage (usebackuproot, rescue=) needs 'ro'");
  return {};
}

}  // namespace butterfuse
