// SPDX-License-Identifier: GPL-2.0-or-later
// Help: the choice of the printer, and the folder of pages.
#include "cli/help.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "cli/manual/command_page.h"
#include "cli/manual/man_page.h"
#include "cli/manual/markdown_page.h"
#include "cli/process/standard_streams.h"
#include "cli/verbs.h"
#include "core/base/result.h"

namespace butterfuse {
namespace {

Status write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file ? Status{} : Status(make_error(errno, "{}: {}", path.string(), std::strerror(errno)));
}

Status write_pages(const CommandPage& program, const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return make_error(failed.value(), "{}: {}", folder.string(), failed.message());
  for (const ManualFile& file : man_pages(program)) BF_TRY(write_file(folder / file.name, file.text));
  return {};
}

int fail_help(const std::string& message, int status) {
  complain("butterfuse help: {}", message);
  return status;
}

// The page that has this command: of the program where `word` is empty.
const CommandPage* find_page(const CommandPage& program, const std::string& name) {
  if (name.empty()) return &program;
  for (const CommandPage& command : program.subcommands)
    if (command.path.back() == name) return &command;
  return nullptr;
}

}  // namespace

std::optional<int> print_manual(const CLI::App& program, const std::vector<std::string>& arguments) {
  const auto argument = [&](size_t at) { return at < arguments.size() ? arguments[at] : std::string(); };
  if (argument(0) != "help") return std::nullopt;
  const ExitCodes& codes = exit_codes_of("");
  const std::string how = argument(1), what = argument(2);
  if (how == "--markdown" && arguments.size() == 2) {
    StandardStreams::write(markdown_page(page_of(program)));
    return 0;
  }
  if (how == "--man-pages") {
    if (what.empty()) return fail_help("--man-pages needs a folder", codes.usage);
    const Status written = write_pages(page_of(program), what);
    return written ? 0 : fail_help(written.error().message, codes.failed);
  }
  if (how != "--man") return std::nullopt;
  const CommandPage pages = page_of(program);
  const CommandPage* const page = find_page(pages, what.empty() ? what : subcommand_named(program, what));
  if (page == nullptr || (page == &pages && !what.empty()))
    return fail_help("no command '" + what + "'", codes.usage);
  StandardStreams::write(man_page(*page));
  return 0;
}

}  // namespace butterfuse
