// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: those of FUSE, and of the daemon behind it.
#include <algorithm>

#include "fs/options/option_rows.h"

namespace butterfuse {
namespace {

// One excludes the other: the last word wins.
MountOptionRow allow_row(std::string_view name, std::string_view help, std::string_view other) {
  return {name, "", OptionEffect::acted_on, help, [other](const OptionWord& word, MountOptions& options) {
            std::erase(options.fuse_options, other);
            options.fuse_options.push_back(word.name);
            return Status{};
          }};
}

Status choose_sandbox(const OptionWord& word, MountOptions& options) {
  if (*word.value != "on" && *word.value != "off") return bad_option_value();
  options.sandbox = *word.value == "on";
  return {};
}

// The limit has 32 bits in the kernel's protocol and in mount options of FUSE. 0 is no limit.
Status limit_reads(const OptionWord& word, MountOptions& options) {
  const auto bytes = parse_size(*word.value);
  if (!bytes || *bytes > UINT32_MAX) return bad_option_value();
  options.max_read_bytes = static_cast<uint32_t>(*bytes);
  return {};
}

// For who replaces a mount of the kernel's by one of ours: others get in, and what the image says of
// permissions, programs and device nodes counts. To an ordinary user fusermount3 grants neither suid nor dev.
void be_like_the_kernel(MountOptions& options) {
  options.default_permissions = options.suid_given = options.dev_given = true;
  std::erase(options.fuse_options, "allow_root");
  options.fuse_options.insert(options.fuse_options.end(), {"allow_other", "suid", "dev"});
}

}  // namespace

MountOptionGroup fuse_option_group() {
  using enum OptionEffect;
  return {"Of FUSE and the daemon",
          {
              allow_row("allow_other",
                        "all users may use the mount; for others than root if /etc/fuse.conf allows it",
                        "allow_root"),
              allow_row("allow_root", "root may, beside the one who mounts", "allow_other"),
              flag_row("default_permissions", "the kernel checks permissions (the default)",
                       [](MountOptions& m) { m.default_permissions = true; }),
              flag_row("no_default_permissions", "it does not: whoever may use the mount may do everything",
                       [](MountOptions& m) { m.default_permissions = false; }),
              flag_row("auto_unmount", "the mount is taken away when the daemon dies",
                       [](MountOptions& m) { m.auto_unmount = true; }),
              flag_row("kernel", "as a mount by the kernel: allow_other,default_permissions,suid,dev",
                       be_like_the_kernel),
              passed_row("fsname", "=NAME", "what mount tables show as the source"),
              passed_row("subtype", "=NAME", "what they show as the type, behind \"fuse.\""),
              {"max_read", "=SIZE", acted_on, "largest read request", limit_reads},
              {"sandbox", "=on|off", acted_on,
               "off, for debugging: the daemon keeps privileges, files and the network", choose_sandbox},
              idle_row("nonempty", "", "FUSE 3 mounts over what is in a directory, as others do"),
              idle_row("big_writes", "", "always so"),
              idle_row("large_read", "", "always so"),
              idle_row("use_ino", "", "always so"),
              idle_row("auto_cache", "", "the kernel's cache is always right"),
              idle_row("kernel_cache", "", "the kernel's cache is always right"),
          }};
}

}  // namespace butterfuse
