// SPDX-License-Identifier: GPL-2.0-or-later
// RequestCounts: what was sent is told by its name, and nothing else.
#include "fs/mount/request_counts.h"

#include <linux/fuse.h>

#include <catch2/catch.hpp>

namespace butterfuse::request_counts_test {

TEST_CASE("requests are counted by opcode, and told by name") {
  RequestCounts counts;
  CHECK(counts.text() == "requests 0\n");
  for (int i = 0; i < 3; ++i) counts.note(FUSE_LOOKUP);
  counts.note(FUSE_CREATE);
  counts.note(FUSE_COPY_FILE_RANGE);
  counts.note(53);
  CHECK(counts.of(FUSE_LOOKUP) == 3);
  CHECK(counts.of(FUSE_WRITE) == 0);
  CHECK(counts.text() ==
        "requests_lookup 3\nrequests_create 1\nrequests_copy_file_range 1\nrequests_copy_file_range_64 1\n"
        "requests 6\nrequests_per_file 6.00\n");
}

TEST_CASE("opcodes that have no name here are counted by number, those that can't be as others") {
  RequestCounts counts;
  counts.note(60);
  counts.note(64);
  counts.note(4096);
  CHECK(counts.of(4096) == 0);
  CHECK(counts.text() == "requests_others 2\nrequests_60 1\nrequests 3\n");
}

TEST_CASE("names stand at their numbers") {
  const std::pair<uint32_t, std::string> known[] = {
      {FUSE_GETATTR, "getattr"},       {FUSE_UNLINK, "unlink"},           {FUSE_WRITE, "write"},
      {FUSE_GETXATTR, "getxattr"},     {FUSE_READDIRPLUS, "readdirplus"}, {FUSE_BATCH_FORGET, "batch_forget"},
      {FUSE_RELEASEDIR, "releasedir"}, {FUSE_DESTROY, "destroy"},         {FUSE_LSEEK, "lseek"}};
  for (const auto& [opcode, name] : known) {
    RequestCounts counts;
    counts.note(opcode);
    CHECK(counts.text().find("requests_" + name + " 1\n") == 0);
  }
}

}  // namespace butterfuse::request_counts_test
