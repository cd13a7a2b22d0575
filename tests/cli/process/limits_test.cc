// SPDX-License-Identifier: GPL-2.0-or-later
// Limits: raised to what is allowed, and told of before a byte is written; in children, whose they are.
#include "cli/process/limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/support/catch/in_a_child.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::limits_test {
namespace {

void limit(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
  const rlimit limits{soft, hard};
  ::setrlimit(resource, &limits);
}

rlim_t soft_limit(__rlimit_resource resource) {
  rlimit limits{};
  ::getrlimit(resource, &limits);
  return limits.rlim_cur;
}

}  // namespace

TEST_CASE("soft limits become what the hard ones allow") {
  CHECK(in_a_child([]() -> std::string {
          limit(RLIMIT_FSIZE, 4096, 8192);
          limit(RLIMIT_NOFILE, 20, 30);
          use_hard_limits();
          return std::to_string(soft_limit(RLIMIT_FSIZE)) + " " + std::to_string(soft_limit(RLIMIT_NOFILE));
        }) == "8192 30");
}

TEST_CASE("going beyond the size of a file is an error of the call, not the end of the process") {
  const TempDir folder;
  CHECK(in_a_child([&]() -> std::string {
          limit(RLIMIT_FSIZE, 4096, 4096);
          use_hard_limits();
          const int file = ::open((folder / "file").c_str(), O_CREAT | O_WRONLY, 0600);
          return ::pwrite(file, "x", 1, 4096) < 0 ? std::to_string(errno) : "written";
        }) == std::to_string(EFBIG));
}

TEST_CASE("an image that may not be written to its end is refused with its size and the limit") {
  const TempDir folder;
  const std::string image = folder / "image";
  make_sparse_file(image, 10'000);
  CHECK(check_file_size_limit(image));
  const std::string seen = in_a_child([&]() -> std::string {
    limit(RLIMIT_FSIZE, 9999, 9999);
    const Status status = check_file_size_limit(image);
    return status ? "allowed" : std::to_string(status.error().code) + " " + status.error().message;
  });
  CHECK(seen.starts_with(std::to_string(EFBIG) + " " + image + ": "));
  CHECK(seen.find("10000 bytes") != std::string::npos);
  CHECK(seen.find("9999 bytes") != std::string::npos);
  CHECK(in_a_child([&]() -> std::string {
          limit(RLIMIT_FSIZE, 10'000, 10'000);
          return check_file_size_limit(image) ? "allowed" : "refused";
        }) == "allowed");
}

TEST_CASE("what is no regular file has no size that could be too large") {
  const TempDir folder;
  CHECK(in_a_child([&]() -> std::string {
          limit(RLIMIT_FSIZE, 0, 0);
          for (const std::string path : {std::string("/dev/null"), folder.path(), folder / "none"})
            if (!check_file_size_limit(path)) return path + " is refused";
          return "";
        }) == "");
}

}  // namespace butterfuse::limits_test
