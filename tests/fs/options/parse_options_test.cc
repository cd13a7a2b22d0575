// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: what is taken, what is refused, and in which words.
#include "fs/options/parse_options.h"

#include <catch2/catch.hpp>

#include "fs/options/option_words.h"
#include "fs/options/options.h"
#include "tests/fs/options/parsed_options.h"

namespace butterfuse::parse_options_test {

TEST_CASE("an unknown mount option is an error that names it") {
  CHECK(refusal("ro,frobnicate=7").find("'frobnicate=7'") != std::string::npos);
  CHECK(refusal("uids=1000").find("'uids=1000'") != std::string::npos);
}

TEST_CASE("the compress option takes a method and a level as btrfs does") {
  CHECK(parse("compress").compress.type == compression_type::kZlib);
  CHECK(parse("compress=zstd:7").compress.type == compression_type::kZstd);
  CHECK(parse("compress=zstd:7").compress.level == 7);
  CHECK(parse("compress=zstd:-5").compress.level == -5);
  CHECK_FALSE(parse("compress=lzo").compress.force);
  CHECK(parse("compress-force=lzo").compress.force);
  CHECK(parse("compress=lzo,compress=no").compress.type == compression_type::kNone);
  for (const char* bad : {"compress=brotli", "compress=zstdx", "compress=zstd:x",
                          "compress=zstd:", "compress=lzo:x", "compress=zstd:99999999999", "compress="}) {
    CHECK(refusal(bad).find(bad) != std::string::npos);
  }
}

TEST_CASE("a compression level out of range is the nearest one, as the kernel has it") {
  CHECK(parse("compress=zstd:99").compress.level == 15);
  CHECK(parse("compress=zstd:-99").compress.level == -15);
  CHECK(parse("compress=zlib:10").compress.level == 9);
  CHECK(parse("compress-force=zlib:-3").compress.level == 1);
  CHECK(parse("compress=zstd:0").compress.level == 0);  // the default one
  CHECK(parse("compress=zstd:007").compress.level == 7);
  CHECK(parse("compress=lzo:2").compress.type == compression_type::kLzo);
  CHECK(parse("compress=lzo:2").compress.level == 0);
}

TEST_CASE("of two options on one subject the last one wins") {
  CHECK(parse("ro,rw").read_only == false);
  CHECK(parse("noflushoncommit,flushoncommit").flush_on_commit);
  CHECK(parse("flushoncommit,noflushoncommit").flush_on_commit == false);
  CHECK(parse("compress=zstd,nodatacow").compress.type == compression_type::kNone);
  const MountOptions options = parse("nodatacow,compress=zstd");
  CHECK(options.datacow);
  CHECK(options.datasum);
}

TEST_CASE("options that other systems pass along are accepted") {
  const MountOptions options =
      parse("defaults,ssd,space_cache=v2,x-systemd.automount,_netdev,autodefrag,noatime");
  CHECK(options.atime == AtimeMode::noatime);
  CHECK(options.ignored.size() == 3);
}

TEST_CASE("options that promise what is not there yet are refused with the reason") {
  CHECK(refusal("space_cache=v1").find("free space tree") != std::string::npos);
  CHECK(refusal("remount").find("unmount") != std::string::npos);
}

TEST_CASE("sizes have binary suffixes and subvolume 0 means 5") {
  CHECK(parse("cache_size=64m").cache_bytes == 64u << 20);
  CHECK(parse("max_inline=0").max_inline_bytes == 0);
  CHECK(parse("subvolid=0").subvolid == 5);
  CHECK(parse("subvolid=0x101").subvolid == 257);
  CHECK(refusal("cache_size=big").find("cache_size=big") != std::string::npos);
}

TEST_CASE("numbers and sizes of btrfs are read as the kernel reads them") {
  CHECK(parse("subvolid=0400").subvolid == 256);
  CHECK(parse("subvolid=0X101").subvolid == 257);
  CHECK(parse("subvolid=+256").subvolid == 256);
  CHECK(parse("commit=010").commit_interval_s == 8);
  CHECK(parse("thread_pool=0x4").thread_pool == 4);
  CHECK(parse("max_inline=0x800").max_inline_bytes == 2048);
  CHECK(parse("max_inline=0x2k").max_inline_bytes == 2048);
  CHECK(parse("max_inline=04K").max_inline_bytes == 4096);
  CHECK(parse("max_inline=010K").max_inline_bytes == 8192);
  CHECK(parse("max_inline=0x1e").max_inline_bytes == 30);
  CHECK(parse("max_inline=2KiB").max_inline_bytes == 2048);
  for (const char* text :
       {"subvolid=08", "subvolid=0x", "subvolid=++1", "subvolid=", "subvolid=1k", "commit=0x100000000",
        "max_inline=0x", "max_inline=", "max_inline=k", "max_inline=32E"})
    CHECK(refusal(text).find(text) != std::string::npos);
  CHECK(parse("part=08").window.partition == 8);
}

TEST_CASE("a mount without the log is a read-only mount") {
  for (const char* option : {"nologreplay", "norecovery", "rescue=nologreplay"}) {
    CHECK_FALSE(parse(option).replay_log);
    CHECK(check_mount_options(parse(fmt::format("ro,{}", option))));
    CHECK_FALSE(check_mount_options(parse(option)));
  }
  CHECK(refusal("rescue=ignorebadroots:nonsense").find("nonsense") != std::string::npos);
}

TEST_CASE("what a rescue leaves out needs a read-only mount") {
  const MountOptions options = parse("rescue=nologreplay:idatacsums,ro");
  CHECK_FALSE(options.replay_log);
  CHECK_FALSE(options.check_data_csums);
  CHECK(check_mount_options(options));
  CHECK_FALSE(check_mount_options(parse("rescue=idatacsums")));
  CHECK_FALSE(parse("rescue=all").check_data_csums);
  CHECK(parse("rescue=all").rescue.super_flags);
  for (const char* words : {"usebackuproot", "rescue=all", "rescue=ibadroots", "rescue=imetacsums",
                            "rescue=ignoresuperflags", "rescue=isuperflags"}) {
    CHECK_FALSE(check_mount_options(parse(words)));
    CHECK(check_mount_options(parse(std::string("ro,") + words)));
  }
}

TEST_CASE("owners are shown and stored as the options map them") {
  const MountOptions mapped = parse("uidmap=0:1000:1,uidmap=1:100000:10");
  CHECK(mapped.uids.to_shown(0) == 1000);
  CHECK(mapped.uids.to_shown(5) == 100'004);
  CHECK(mapped.uids.to_shown(11) == IdMap::kNobody);
  CHECK(mapped.uids.of_maker(1000) == 0u);
  CHECK(mapped.uids.of_chown(100'009, 7) == 10u);
  CHECK(mapped.uids.of_maker(5).error().code == EOVERFLOW);
  const MountOptions shown = parse("gid=50");
  CHECK(shown.gids.to_shown(7) == 50);
  CHECK(shown.gids.of_chown(50, 7) == 7u);
  CHECK(shown.gids.of_chown(51, 7).error().code == EPERM);
  CHECK(refusal("uidmap=0:1:5,uidmap=4:20:1").find("overlaps 0:1:5") != std::string::npos);
  CHECK(refusal("gidmap=0:1").find("DISK:SHOWN:COUNT") != std::string::npos);
  CHECK_FALSE(check_mount_options(parse("fakeroot,allow_other")));
  CHECK(parse("fakeroot").acl);
  CHECK_FALSE(parse("fakeroot,noacl").acl);
}

TEST_CASE("a comma in a value is quoted as mount(8) says, or escaped") {
  const auto subvolume = [](const std::string& text) { return unescaped_option_value(*parse(text).subvol); };
  for (const char* text : {"ro,subvol=\"one,two\",noatime", "ro,subvol=one\\,two,noatime"}) {
    const MountOptions options = parse(text);
    CHECK(unescaped_option_value(*options.subvol) == "one,two");
    CHECK(options.read_only);
    CHECK(options.atime == AtimeMode::noatime);
  }
  CHECK(subvolume("subvol=\"a \\\"b\\\", c\"") == "a \"b\", c");
  CHECK(subvolume("subvol=a=b") == "a=b");
  CHECK(subvolume("subvol=a\\b") == "a\\b");     // no escape: names may hold any byte
  CHECK(subvolume("subvol=a\"b,ro") == "a\"b");  // nor a quote in the middle
  CHECK(subvolume("subvol=\"a,ro") == "\"a");    // nor one that nothing ends
  CHECK(subvolume("subvol=a\\\\b") == "a\\b");
  CHECK(parse("subvol=a\\\\b").subvol == "a\\\\b");
  CHECK(parse("device=/dev/one\\,two").devices.front() == "/dev/one,two");
  CHECK(refusal("subvol=one,two").find("'two'") != std::string::npos);
}

}  // namespace butterfuse::parse_options_test
