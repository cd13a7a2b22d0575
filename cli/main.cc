// SPDX-License-Identifier: GPL-2.0-or-later
// main: which subcommand is meant, by the program's name or the first argument.
//
// From argv to a subcommand:
//
//   the program's name    mkfs.butterfuse, ...          that one; its flags are translated (HelperArguments)
//   the first word        a subcommand or its alias     that one
//                         help, version                 as of btrfs(8)
//                         a verb of btrfs(8) not here   refused: it is never taken for an image (Verbs)
//                         another name                  the source of a mount
//
// The list of arguments is rewritten until it begins with a subcommand, and only then read by CLI11, which
// knows of none of this. The exit status of wrong usage is the subcommand's, by its own manual: so it is
// looked up before CLI11 can complain.
#include <signal.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/help.h"
#include "cli/helper_arguments.h"
#include "cli/option_rules.h"
#include "cli/process/exit_codes.h"
#include "cli/process/inherited.h"
#include "cli/process/json.h"
#include "cli/process/limits.h"
#include "cli/process/standard_streams.h"
#include "cli/program.h"
#include "cli/verbs.h"

namespace butterfuse {
namespace {

// Names under which the program stands for one of its subcommands: mount(8), umount(8), mkfs(8) and fsck(8)
// look for PROGRAM.TYPE, where the type may be "fuse.butterfuse".
std::string command_of_program(const std::string& name) {
  constexpr std::pair<std::string_view, const char*> kPrograms[] = {
      {"mkfs.", "mkfs"}, {"mount.", "mount"}, {"umount.", "umount"}, {"fsck.", "check"}};
  for (const auto& [prefix, command] : kPrograms)
    if (name.starts_with(prefix) && name.ends_with("butterfuse")) return command;
  return "";
}

// "help VERB" is the verb's own --help.
std::vector<std::string> help_arguments(const CLI::App& app, std::vector<std::string> arguments) {
  arguments.erase(arguments.begin());
  if (!arguments.empty() && subcommand_named(app, arguments.front()).empty()) arguments.clear();
  arguments.emplace_back("--help");
  return arguments;
}

// The arguments with the subcommand spelled out: "butterfuse SOURCE MOUNTPOINT" means mount, "butterfuse
// help" is asked as btrfs(8) is.
std::vector<std::string> full_arguments(const CLI::App& app, const std::string& program,
                                        std::vector<std::string> arguments) {
  constexpr std::string_view kOfTheProgram[] = {"-h", "--help", "-V", "--version"};
  std::string command = command_of_program(program);
  const std::string first = arguments.empty() ? "" : arguments.front();
  const bool as_helper = !command.empty();
  if (!as_helper) {
    if (first.empty() || std::ranges::find(kOfTheProgram, first) != std::end(kOfTheProgram)) return arguments;
    if (first == "version") return {"--version"};
    if (first == "help") return help_arguments(app, arguments);
    command = subcommand_named(app, first);
    if (command.empty())
      command = "mount";
    else
      arguments.erase(arguments.begin());
  }
  if (command == "mount") arguments = mount_arguments(arguments, as_helper);
  if (command == "check" && as_helper) arguments = fsck_arguments(arguments);
  arguments.insert(arguments.begin(), command);
  return arguments;
}

// Help and version, or what is wrong with the arguments. Programs that read JSON get some in any case.
int answer_without_command(const CLI::App& app, const CLI::ParseError& error, const std::string& program,
                           const ExitCodes& codes, bool json) {
  std::ostringstream text, complaint;
  const bool is_question = app.exit(error, text, complaint) == 0;
  StandardStreams::write(text.str());
  if (is_question) return 0;
  if (json) print_json({{"failure", json_text(error.what())}, {"exit_status", codes.usage}});
  std::istringstream lines(complaint.str());
  for (std::string line; std::getline(lines, line);) complain("{}: {}", program, line);
  return codes.usage;
}

// What could not be printed is a failure.
int with_output(int status, const ExitCodes& codes, const std::string& program) {
  return StandardStreams::complain_of_write_error(program) ? codes.with_failure(status) : status;
}

int run(int argc, char** argv) {
  CommandResult result;
  const std::unique_ptr<Command> made = make_program(result);
  Command& app = *made;
  const std::string name = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "";
  std::vector<std::string> given;
  if (argc > 1) given.assign(argv + 1, argv + argc);
  given = with_empty_values(given);
  if (!given.empty() && command_of_program(name).empty()) {
    if (const auto refusal = refusal_of_verb(app, given)) {
      complain("butterfuse: {}", *refusal);
      return exit_codes_of("").usage;
    }
    if (const auto status = print_manual(app, given))
      return with_output(*status, exit_codes_of(""), "butterfuse");
  }
  std::vector<std::string> arguments = full_arguments(app, name, std::move(given));
  const std::string command = arguments.empty() ? "" : arguments.front();
  const ExitCodes& codes = exit_codes_of(command);
  const std::string program = codes.command.empty() ? "butterfuse" : "butterfuse " + command;
  if (const auto refusal = refusal_of_subverb(app, arguments)) {
    complain("{}: {}", program, *refusal);
    return codes.usage;
  }
  const bool json = command == "check" && std::ranges::find(arguments, "--json") != arguments.end();
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  int status = 0;
  try {
    app.parse(arguments);
    status = result.exit_status;
  } catch (const CLI::ParseError& error) {
    status = answer_without_command(app, error, program, codes, json);
  } catch (const std::exception& error) {
    complain("{}: {}", program, error.what());
    status = codes.with_failure(status);
  }
  return with_output(status, codes, program);
}

}  // namespace
}  // namespace butterfuse

int main(int argc, char** argv) {
  // The order counts: what the caller left open goes first, then 0 to 2 are taken up before anything of ours
  // is opened. Limits are raised before anything looks at them.
  butterfuse::close_inherited({argv, static_cast<size_t>(argc)});
  butterfuse::StandardStreams::secure();
  butterfuse::use_hard_limits();
  ::signal(SIGCHLD, SIG_DFL);  // a caller that ignores it hands that on, and no child could be waited for
  return butterfuse::run(argc, argv);
}
