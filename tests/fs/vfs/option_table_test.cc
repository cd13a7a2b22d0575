// The table of mount options: complete, without doubles, and what the documents say.
#include "fs/vfs/option_table.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace butterfuse;

namespace {

std::string refusal(const std::string& text) {
  MountOptions options;
  const auto status = parse_mount_options(text, options);
  return status ? std::string() : status.error().message;
}

bool takes(const std::string& text) { return refusal(text).empty(); }

// The build folder lies in the project.
std::filesystem::path project_folder() {
  std::filesystem::path folder = std::filesystem::canonical("/proc/self/exe").parent_path();
  while (!exists(folder / "ARCHITECTURE.md") && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

std::vector<std::string> lines_of(const char* path) {
  std::ifstream file(project_folder() / path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// A bar would end a cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char letter : text) escaped += letter == '|' ? "\\|" : std::string(1, letter);
  return escaped;
}

std::string_view word_for(OptionEffect effect) {
  switch (effect) {
    case OptionEffect::acted_on:
      return "acted on";
    case OptionEffect::no_effect:
      return "no effect";
    case OptionEffect::for_helpers:
      return "passed over";
    default:
      return "refused";
  }
}

std::vector<std::string> documented_lines() {
  std::vector<std::string> lines;
  for (const MountOptionGroup& group : mount_option_groups()) {
    lines.push_back(fmt::format("## {}", group.title));
    for (const MountOptionRow& row : group.rows)
      lines.push_back(fmt::format("| `{}{}` | {} | {} |", row.name, cell(row.value), word_for(row.effect),
                                  cell(row.help)));
  }
  return lines;
}

MountOptions parse(std::string_view text) {
  MountOptions options;
  REQUIRE(parse_mount_options(text, options));
  return options;
}

}  // namespace

TEST_CASE("docs/mount-options.md has the rows of the table, in their order") {
  std::vector<std::string> written;
  for (const std::string& line : lines_of("docs/mount-options.md"))
    if (line.starts_with("## ") || line.starts_with("| `")) written.push_back(line);
  const auto wanted = documented_lines();
  for (size_t i = 0; i < std::max(written.size(), wanted.size()); ++i) {
    INFO("line " << i << " of those");
    REQUIRE((i < written.size() ? written[i] : "") == (i < wanted.size() ? wanted[i] : ""));
  }
}

TEST_CASE("README names no mount option that is not in the table") {
  bool in_table = false;
  size_t names = 0;
  for (const std::string& line : lines_of("README.md")) {
    if (line.starts_with("#")) in_table = line == "### Mount options";
    if (!in_table || !line.starts_with("| `")) continue;
    std::istringstream words(line.substr(0, line.find(" | ")));
    for (std::string word; std::getline(words, word, '`');) {
      const std::string name = word.substr(0, word.find_first_of("=["));
      if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-") != std::string::npos || name.size() < 2 ||
          name[0] == '-')
        continue;
      INFO(line);
      CHECK(find_mount_option(name) != nullptr);
      ++names;
    }
  }
  CHECK(names > 40);
}

TEST_CASE("no option has two rows, and each says what it does in one line") {
  std::set<std::string_view> seen;
  for (const MountOptionGroup& group : mount_option_groups()) {
    for (const MountOptionRow& row : group.rows) {
      INFO(row.name);
      CHECK(seen.insert(row.name).second);
      CHECK_FALSE(row.help.empty());
      CHECK(row.help.find('\n') == std::string::npos);
      CHECK((row.value.empty() || row.value.starts_with("=") || row.value.starts_with("[=")));
    }
  }
}

TEST_CASE("every option of mount(8) and btrfs(5) is known by name") {
  for (const char* text : {"async",
                           "atime",
                           "noatime",
                           "auto",
                           "noauto",
                           "context=a",
                           "fscontext=a",
                           "defcontext=a",
                           "rootcontext=a",
                           "defaults",
                           "dev",
                           "nodev",
                           "diratime",
                           "nodiratime",
                           "dirsync",
                           "exec",
                           "noexec",
                           "group",
                           "iversion",
                           "noiversion",
                           "mand",
                           "nomand",
                           "_netdev",
                           "nofail",
                           "relatime",
                           "norelatime",
                           "strictatime",
                           "nostrictatime",
                           "lazytime",
                           "nolazytime",
                           "suid",
                           "nosuid",
                           "silent",
                           "loud",
                           "owner",
                           "ro",
                           "rw",
                           "sync",
                           "user",
                           "user=joe",
                           "nouser",
                           "users",
                           "X-a",
                           "x-b=c",
                           "X-mount.mkdir",
                           "X-mount.mkdir=0700",
                           "X-mount.mkdir=\"0700\"",
                           "nosymfollow",
                           "symfollow",
                           "loop",
                           "loop=/dev/loop3",
                           "offset=1MiB",
                           "sizelimit=1GiB",
                           "comment=a",
                           "comment",
                           "x-systemd.automount",
                           "x-gvfs-show",
                           "helper=a",
                           "uhelper=udisks2",
                           "nonempty",
                           "allow_other",
                           "allow_root",
                           "default_permissions",
                           "auto_unmount",
                           "max_read=128k",
                           "fsname=a",
                           "subtype=b",
                           "acl",
                           "noacl",
                           "autodefrag",
                           "noautodefrag",
                           "barrier",
                           "nobarrier",
                           "check_int",
                           "check_int_data",
                           "check_int_print_mask=1",
                           "clear_cache",
                           "commit=10",
                           "compress",
                           "compress=zstd:3",
                           "compress-force=lzo",
                           "datacow",
                           "nodatacow",
                           "datasum",
                           "nodatasum",
                           "degraded",
                           "device=/dev/sdb",
                           "discard",
                           "discard=sync",
                           "discard=async",
                           "nodiscard",
                           "enospc_debug",
                           "noenospc_debug",
                           "fatal_errors=bug",
                           "fatal_errors=panic",
                           "flushoncommit",
                           "noflushoncommit",
                           "inode_cache",
                           "noinode_cache",
                           "logreplay,ro",
                           "nologreplay",
                           "max_inline=0",
                           "max_inline=2k",
                           "metadata_ratio=4",
                           "norecovery",
                           "space_cache",
                           "space_cache=v2",
                           "ssd",
                           "nossd",
                           "ssd_spread",
                           "nossd_spread",
                           "rescan_uuid_tree",
                           "rescue=all",
                           "recovery",
                           "usebackuproot",
                           "skip_balance",
                           "subvol=/a",
                           "subvolid=5",
                           "thread_pool=8",
                           "treelog",
                           "notreelog",
                           "user_subvol_rm_allowed"}) {
    INFO(text << ": " << refusal(text));
    CHECK(takes(text));
  }
  for (const char* text :
       {"remount", "bind", "rbind", "move", "X-mount.idmap=a", "X-mount.subdir=a", "nospace_cache",
        "space_cache=v1", "fragment=all", "ref_verify", "verity.hashdevice=a"}) {
    INFO(text);
    CHECK(refusal(text).find(fmt::format("'{}' is refused: ", text)) != std::string::npos);
  }
}

TEST_CASE("a bad value is told with the allowed ones") {
  const std::pair<const char*, const char*> kCases[] = {{"compress=brotli", "zlib|lzo|zstd[:LEVEL]|no"},
                                                        {"compress=", "zlib|lzo"},
                                                        {"discard=maybe", "[=sync|async]"},
                                                        {"commit=soon", "=SECONDS"},
                                                        {"commit=10s", "=SECONDS"},
                                                        {"commit", "=SECONDS"},
                                                        {"thread_pool=0", "1 to 256"},
                                                        {"sandbox=maybe", "=on|off"},
                                                        {"fatal_errors=x", "=bug|panic"},
                                                        {"space_cache=v3", "[=v2]"},
                                                        {"rescue=none", "usebackuproot"},
                                                        {"rescue", "usebackuproot"},
                                                        {"subvolid=x", "=ID"},
                                                        {"subvol", "=PATH"},
                                                        {"offset=1Mi", "=SIZE"},
                                                        {"part=0", "=NUMBER"},
                                                        {"umask=8", "octal"},
                                                        {"umask=7777", "octal"},
                                                        {"X-mount.mkdir=rwx", "=MODE"},
                                                        {"uid=root", "=ID"},
                                                        {"metadata_ratio=x", "=COUNT"},
                                                        {"max_read=x", "=SIZE"},
                                                        {"device=", "=PATH"}};
  for (const auto& [text, allowed] : kCases) {
    const std::string told = refusal(text);
    INFO(text << ": " << told);
    CHECK(told.find(allowed) != std::string::npos);
    CHECK(told.find(std::string(text)) != std::string::npos);
  }
  for (const char* text :
       {"ro=1", "ssd=1", "acl=yes", "noatime=0", "degraded=1", "allow_other=1", "defaults=x"})
    CHECK(refusal(text).find("takes no value") != std::string::npos);
}

TEST_CASE("an unknown option comes with the one that may have been meant, and can be passed over") {
  CHECK(refusal("ro,compres=zstd").find("did you mean 'compress'?") != std::string::npos);
  CHECK(refusal("nosuchoption").find("did you mean") == std::string::npos);
  MountOptions options;
  CHECK(parse_mount_options("nosuchoption,ro,other=7", options, UnknownOptions::pass_over));
  CHECK(options.read_only);
  CHECK(options.ignored == std::vector<std::string>{"nosuchoption", "other=7"});
  CHECK(options.text == "ro");
  CHECK_FALSE(parse_mount_options("commit=x", options, UnknownOptions::pass_over));
  CHECK_FALSE(parse_mount_options("fragment=all", options, UnknownOptions::pass_over));
}

TEST_CASE("the last word of a subject wins, whichever it is") {
  // The two words of a subject, in both orders: the same as the last one alone, if that is the default or
  // not.
  const std::pair<const char*, const char*> kSubjects[] = {{"ro", "rw"},
                                                           {"noatime", "relatime"},
                                                           {"noatime", "strictatime"},
                                                           {"noatime", "atime"},
                                                           {"diratime", "nodiratime"},

                                                           {"acl", "noacl"},
                                                           {"treelog", "notreelog"},
                                                           {"discard", "nodiscard"},
                                                           {"discard=async", "nodiscard"},
                                                           {"flushoncommit", "noflushoncommit"},
                                                           {"symfollow", "nosymfollow"},
                                                           {"compress=zstd", "compress=no"},
                                                           {"compress=zstd:5", "compress-force=lzo"},
                                                           {"compress", "nodatacow"},
                                                           {"commit=5", "commit=7"},
                                                           {"allow_other", "allow_root"},
                                                           {"subvol=/a", "subvol=/b"},
                                                           {"uid=1", "uid=2"},
                                                           {"umask=7", "umask=0"},
                                                           {"sandbox=off", "sandbox=on"},
                                                           {"max_read=4k", "max_read=64k"},
                                                           {"writeback_cache", "no_writeback_cache"},
                                                           {"logreplay", "nologreplay"},
                                                           {"norecovery", "logreplay"}};
  for (const auto& [a, b] : kSubjects) {
    INFO(a << " and " << b);
    CHECK(same_effect(parse(fmt::format("{},{}", a, b)), parse(b)));
    CHECK(same_effect(parse(fmt::format("{},{}", b, a)), parse(a)));
  }
}

TEST_CASE("what an option asks for is seen in the comparison of two sets, or is what would be without it") {
  const std::set<std::string_view> defaults = {
      "rw", "datacow", "datasum", "nodiscard", "noflushoncommit", "treelog", "acl", "no_writeback_cache", "logreplay",
      "relatime", "atime", "norelatime", "nostrictatime", "diratime", "symfollow", "default_permissions"};
  for (const MountOptionGroup& group : mount_option_groups())
    for (const MountOptionRow& row : group.rows) {
      if (row.effect != OptionEffect::acted_on || !row.value.empty() || row.name.ends_with('*')) continue;
      INFO(row.name);
      CHECK(same_effect(parse(row.name), parse("")) == defaults.contains(row.name));
    }
  for (const char* word : {"usebackuproot", "ignorebadroots", "ignoremetacsums", "ignoredatacsums", "ignoresuperflags", "nologreplay"})
    CHECK_FALSE(same_effect(parse(fmt::format("ro,rescue={}", word)), parse("ro")));
  for (const char* word : {"part=1", "offset=4096", "sizelimit=1G", "device=/x"}) CHECK_FALSE(same_effect(parse(word), parse("")));
}
