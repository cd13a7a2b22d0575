// SPDX-License-Identifier: GPL-2.0-or-later
// HelperArguments: flags of mount(8) and fsck(8), in bundles and alone.
#include "cli/helper_arguments.h"

#include <catch2/catch.hpp>

namespace butterfuse::helper_arguments_test {
namespace {

using Words = std::vector<std::string>;

Words as_helper(const Words& arguments) { return mount_arguments(arguments, true); }
Words by_hand(const Words& arguments) { return mount_arguments(arguments, false); }

}  // namespace

TEST_CASE("-r and -w become options in their place, so that the last word wins") {
  CHECK(by_hand({"-r", "img", "mnt"}) == Words{"-o", "ro", "img", "mnt"});
  CHECK(by_hand({"img", "mnt", "-w"}) == Words{"img", "mnt", "-o", "rw"});
  CHECK(by_hand({"-o", "rw", "-r"}) == Words{"-o", "rw", "-o", "ro"});
  CHECK(by_hand({"--read-only", "--rw", "--read-write"}) == Words{"-o", "ro", "-o", "rw", "-o", "rw"});
}

TEST_CASE("flags are taken out of their bundles, and the rest of a word is the value of one that takes one") {
  CHECK(by_hand({"-rnv"}) == Words{"-o", "ro", "-n", "-v"});
  CHECK(by_hand({"-oro,noatime"}) == Words{"-o", "ro,noatime"});
  CHECK(by_hand({"-vo", "ro"}) == Words{"-v", "-o", "ro"});
  CHECK(by_hand({"-nor"}) == Words{"-n", "-o", "r"});  // r is the value
  CHECK(by_hand({"-t", "-r"}) == Words{"-t", "-r"});
  CHECK(by_hand({"-N/proc/1/ns/mnt"}) == Words{"-N", "/proc/1/ns/mnt"});
  CHECK(by_hand({"img", "-o"}) == Words{"img", "-o"});
}

TEST_CASE("-f and -s mean to mount(8) what they do not mean to people") {
  CHECK(as_helper({"img", "mnt", "-sfnv"}) == Words{"img", "mnt", "--sloppy", "--fake", "-n", "-v"});
  CHECK(by_hand({"-sf"}) == Words{"-s", "-f"});
  CHECK(as_helper({"-o", "-f"}) == Words{"-o", "-f"});  // a value
}

TEST_CASE("names are no flags") {
  CHECK(by_hand({"--", "-rnv"}) == Words{"--", "-rnv"});  // no bundle
  CHECK(by_hand({"-", ""}) == Words{"-", ""});
  CHECK(by_hand({"--options=ro", "r", "w"}) == Words{"--options=ro", "r", "w"});
}

TEST_CASE("to preen is to check as at boot") {
  CHECK(fsck_arguments({"-p", "/dev/sda"}) == Words{"-a", "/dev/sda"});
  CHECK(fsck_arguments({"-a"}) == Words{"-a"});
}

TEST_CASE("what fsck(8) says to itself, and to other checkers, is left out") {
  CHECK(fsck_arguments({"-C0", "-T", "-M", "-V", "/dev/sda"}) == Words{"/dev/sda"});
  CHECK(fsck_arguments({"-C", "-pVT", "img"}) == Words{"-a", "img"});
  CHECK(fsck_arguments({"-lrst"}) == Words{});
}

TEST_CASE("what check knows itself is left") {
  CHECK(fsck_arguments({"-n", "-y", "-f", "--json", "img"}) == Words{"-n", "-y", "-f", "--json", "img"});
  CHECK(fsck_arguments({"-nV"}) == Words{"-n"});
}

}  // namespace butterfuse::helper_arguments_test
