// MountHelp: two columns, made of the option table.
#include "cli/mount_help.h"

#include <fmt/format.h>

#include "fs/vfs/option_table.h"

namespace butterfuse {
namespace {

constexpr size_t kHelpColumn = 30;

std::string_view note_of(OptionEffect effect) {
  switch (effect) {
    case OptionEffect::no_effect:
      return "(no effect) ";
    case OptionEffect::refused:
      return "(refused) ";
    default:
      return "";
  }
}

}  // namespace

std::string mount_option_help() {
  std::string text = "Mount options, for -o; sizes are in bytes, or have k, m, g, t, p or e behind them:\n";
  for (const MountOptionGroup& group : mount_option_groups()) {
    text += fmt::format("\n{}:\n", group.title);
    for (const MountOptionRow& row : group.rows) {
      const std::string name = fmt::format("  {}{}", row.name, row.value);
      const bool fits = name.size() < kHelpColumn;
      text +=
          fits ? fmt::format("{:<{}}", name, kHelpColumn) : fmt::format("{}\n{:{}}", name, "", kHelpColumn);
      text += fmt::format("{}{}\n", note_of(row.effect), row.help);
    }
  }
  return text;
}

}  // namespace butterfuse
