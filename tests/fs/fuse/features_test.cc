// SPDX-License-Identifier: GPL-2.0-or-later
// Features: what our answer to FUSE_INIT takes of what a kernel offers.
#include "fs/fuse/features.h"

#include <catch2/catch.hpp>

#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::features_test {
namespace {

// Of later kernels, in the upper half of the flags.
constexpr uint32_t kDirectIoAllowMmap2 = 1u << 4, kAllowIdmap2 = 1u << 8;
constexpr uint32_t kAll2 = kDirectIoAllowMmap2 | kAllowIdmap2;

fuse_init_out answer_to(const std::string& options, uint32_t flags, uint32_t flags2,
                        CallersTold callers = CallersTold::makers) {
  FuseRig rig(options, all_operations(), callers);
  return rig.hello(flags, flags2);
}

}  // namespace

TEST_CASE("privileges are dropped by us, and setxattr is long, where the kernel knows of that") {
  constexpr uint32_t kBoth = FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT;
  CHECK((answer_to("", FuseRig::kOffered, 0).flags & kBoth) == kBoth);
  CHECK((answer_to("", FuseRig::kOffered & ~FUSE_SETXATTR_EXT, 0).flags & kBoth) == FUSE_HANDLE_KILLPRIV_V2);
  CHECK((answer_to("", 0, 0).flags & kBoth) == 0);
}

TEST_CASE("the form of setxattr is remembered") {
  FuseRig with, without;
  with.hello();
  without.hello(FuseRig::kOffered & ~FUSE_SETXATTR_EXT);
  CHECK(with.context().long_setxattr);
  CHECK_FALSE(without.context().long_setxattr);
}

TEST_CASE("reads of a mebibyte are asked for where their length can be said") {
  const fuse_init_out with = answer_to("", FuseRig::kOffered, 0);
  CHECK(with.max_pages == 256);
  CHECK(with.max_write == 128 << 10);
  CHECK(answer_to("", FuseRig::kOffered & ~FUSE_MAX_PAGES, 0).max_pages == 0);
}

TEST_CASE("files past the kernel's cache are mapped where we open some so, and the kernel can do it") {
  for (const char* options : {"writeback_cache", "strictatime"}) {
    INFO(options);
    FuseRig rig(options);
    CHECK((rig.hello(FuseRig::kOffered, kDirectIoAllowMmap2).flags2 & kAll2) == kDirectIoAllowMmap2);
    CHECK(rig.context().direct_io_can_be_mapped);
    FuseRig older(options);
    CHECK((older.hello(FuseRig::kOffered, 0).flags2 & kAll2) == 0);
    CHECK_FALSE(older.context().direct_io_can_be_mapped);
    // Without the flag that says that they count the upper half is not looked at.
    FuseRig unsaid(options);
    CHECK((unsaid.hello(FuseRig::kOffered & ~FUSE_INIT_EXT, kAll2).flags2 & kAll2) == 0);
    CHECK_FALSE(unsaid.context().direct_io_can_be_mapped);
  }
  FuseRig plain;
  CHECK((plain.hello(FuseRig::kOffered, kDirectIoAllowMmap2).flags2 & kAll2) == 0);
  CHECK_FALSE(plain.context().direct_io_can_be_mapped);
}

TEST_CASE("ids are mapped only where the kernel checks permissions, and only makers need be told") {
  const auto takes = [](const std::string& options, uint32_t flags, CallersTold callers) {
    const fuse_init_out answer = answer_to(options, flags, kAllowIdmap2, callers);
    const bool takes_it = answer.flags2 & kAllowIdmap2;
    if (takes_it) CHECK((answer.flags & FUSE_INIT_EXT) != 0);  // else nobody looks at it
    return takes_it;
  };
  CHECK(takes("", FuseRig::kOffered, CallersTold::makers));
  CHECK_FALSE(takes("", FuseRig::kOffered, CallersTold::all));
  CHECK_FALSE(takes("noacl", FuseRig::kOffered, CallersTold::makers));
  CHECK_FALSE(takes("no_default_permissions", FuseRig::kOffered, CallersTold::makers));
  CHECK_FALSE(takes("", FuseRig::kOffered & ~FUSE_POSIX_ACL, CallersTold::makers));
  CHECK_FALSE(takes("", FuseRig::kOffered & ~FUSE_INIT_EXT, CallersTold::makers));
}

TEST_CASE("first words that are short are answered, with nothing added") {
  FuseRig rig;
  fuse_init_in in{};
  in.major = FUSE_KERNEL_VERSION, in.minor = 34, in.max_readahead = 128 << 10;
  in.flags = FuseRig::kOffered & ~FUSE_INIT_EXT;
  constexpr size_t kOldBytes = offsetof(fuse_init_in, flags2);
  const auto answer = rig.call(FUSE_INIT, 0, {object_bytes(in).first(kOldBytes)}).as<fuse_init_out>();
  CHECK((answer.flags & (FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT)) == 0);
  CHECK_FALSE(rig.context().long_setxattr);
}

}  // namespace butterfuse::features_test
