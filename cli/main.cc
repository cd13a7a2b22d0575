// main: which subcommand is meant, by the program's name or the first argument.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/process/exit_codes.h"
#include "cli/process/limits.h"
#include "cli/process/json.h"
#include "cli/process/standard_streams.h"

namespace butterfuse {
namespace {

// Names under which the program stands for one of its subcommands (mount(8), mkfs(8) and fsck(8) look for
// these).
std::string command_of_program(const std::string& name) {
  if (name == "mkfs.butterfuse") return "mkfs";
  if (name == "mount.butterfuse" || name == "mount.fuse.butterfuse") return "mount";
  if (name == "umount.butterfuse" || name == "umount.fuse.butterfuse") return "umount";
  if (name == "fsck.butterfuse") return "check";
  return "";
}

bool is_meant_for_the_program(const CLI::App& app, const std::string& first) {
  if (first == "-h" || first == "--help" || first == "-V" || first == "--version") return true;
  const auto commands = app.get_subcommands({});
  return std::any_of(commands.begin(), commands.end(),
                     [&](const auto* command) { return command->get_name() == first; });
}

// The arguments with the subcommand spelled out: "butterfuse SOURCE MOUNTPOINT" means mount.
std::vector<std::string> full_arguments(const CLI::App& app, const std::string& program, int argc,
                                        char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string command = command_of_program(program);
  if (command.empty() && !arguments.empty() && !is_meant_for_the_program(app, arguments.front()))
    command = "mount";
  if (!command.empty()) arguments.insert(arguments.begin(), command);
  return arguments;
}

// Preening (-p) is what fsck(8) calls the check at boot; and it wants its progress (-C) on a terminal of its
// own.
void translate_fsck_flags(std::vector<std::string>& arguments) {
  std::replace(arguments.begin(), arguments.end(), std::string("-p"), std::string("-a"));
  std::erase_if(arguments, [](const std::string& argument) { return argument.starts_with("-C"); });
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

int run(int argc, char** argv) {
  CLI::App app{"butterfuse: btrfs file systems in user space", "butterfuse"};
  CommandResult result;
  app.set_version_flag("-V,--version", "butterfuse " BUTTERFUSE_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  add_mount_command(app, result);
  add_umount_command(app, result);
  add_mkfs_command(app, result);
  add_check_command(app, result);
  add_scrub_command(app, result);
  add_inspect_command(app, result);
  const std::string name = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "";
  std::vector<std::string> arguments = full_arguments(app, name, argc, argv);
  if (name == "fsck.butterfuse") translate_fsck_flags(arguments);
  const std::string command = arguments.empty() ? "" : arguments.front();
  const ExitCodes& codes = exit_codes_of(command);
  const std::string program = codes.command.empty() ? "butterfuse" : "butterfuse " + command;
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
  return StandardStreams::complain_of_write_error(program) ? codes.with_failure(status) : status;
}

}  // namespace
}  // namespace butterfuse

int main(int argc, char** argv) {
  butterfuse::StandardStreams::secure();
  butterfuse::use_hard_limits();
  return butterfuse::run(argc, argv);
}
