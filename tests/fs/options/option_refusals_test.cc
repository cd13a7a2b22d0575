// SPDX-License-Identifier: GPL-2.0-or-later
// Refusals of mount options: a bad value, or an unknown name, comes with what may have been meant.
#include <catch2/catch.hpp>
#include <utility>

#include "tests/fs/options/parsed_options.h"

namespace butterfuse::option_refusals_test {

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

}  // namespace butterfuse::option_refusals_test
