// SPDX-License-Identifier: GPL-2.0-or-later
// The table of mount options: without doubles, and complete.
#include "fs/options/option_table.h"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "tests/fs/options/parsed_options.h"

namespace butterfuse::option_table_test {
namespace {

// Those that mount(8) and btrfs(5) have, and that are taken.
constexpr const char* kKnown = R"(
async atime noatime auto noauto context=a fscontext=a defcontext=a rootcontext=a defaults dev nodev
diratime nodiratime dirsync exec noexec group iversion noiversion mand nomand _netdev nofail
relatime norelatime strictatime nostrictatime lazytime nolazytime suid nosuid silent loud owner ro
rw sync user user=joe nouser users X-a x-b=c X-mount.mkdir X-mount.mkdir=0700 X-mount.mkdir="0700"
nosymfollow symfollow loop loop=/dev/loop3 offset=1MiB sizelimit=1GiB comment=a comment
x-systemd.automount x-gvfs-show helper=a uhelper=udisks2 nonempty allow_other allow_root
default_permissions auto_unmount max_read=128k fsname=a subtype=b acl noacl autodefrag noautodefrag
barrier nobarrier check_int check_int_data check_int_print_mask=1 clear_cache commit=10 compress
compress=zstd:3 compress-force=lzo datacow nodatacow datasum nodatasum degraded device=/dev/sdb
discard discard=sync discard=async nodiscard enospc_debug noenospc_debug fatal_errors=bug
fatal_errors=panic flushoncommit noflushoncommit inode_cache noinode_cache logreplay,ro nologreplay
max_inline=0 max_inline=2k metadata_ratio=4 norecovery space_cache space_cache=v2 ssd nossd
ssd_spread nossd_spread rescan_uuid_tree rescue=all recovery usebackuproot skip_balance subvol=/a
subvolid=5 thread_pool=8 treelog notreelog user_subvol_rm_allowed
)";

}  // namespace

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
  std::istringstream known(kKnown);
  size_t taken = 0;
  for (std::string text; known >> text; ++taken) {
    INFO(text << ": " << refusal(text));
    CHECK(refusal(text).empty());
  }
  CHECK(taken > 100);
  for (const char* text :
       {"remount", "bind", "rbind", "move", "X-mount.idmap=a", "X-mount.subdir=a", "nospace_cache",
        "space_cache=v1", "fragment=all", "ref_verify", "verity.hashdevice=a"}) {
    INFO(text);
    CHECK(refusal(text).find(fmt::format("'{}' is refused: ", text)) != std::string::npos);
  }
}

}  // namespace butterfuse::option_table_test
