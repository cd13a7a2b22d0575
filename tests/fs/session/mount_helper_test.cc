// SPDX-License-Identifier: GPL-2.0-or-later
// MountHelper: its orders and answers, without a mount; tests/generic has those with one.
#include "fs/session/mount_helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

namespace butterfuse::mount_helper_test {

TEST_CASE("what the helper can't do it says with the errno") {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);  // which can't be opened once more
  auto helper = MountHelper::start({.mountpoint = "/none/such/place",
                                    .options = "subtype=butterfuse",
                                    .block_device_name = "/none/such/device",
                                    .block_device = socket});
  REQUIRE(helper);
  const auto claim = helper->claim();
  REQUIRE(!claim);
  CHECK(claim.error().code == ENXIO);
  CHECK(claim.error().message.find("/none/such/device") != std::string::npos);
  const auto as_block_device = helper->mount_as_block_device();
  REQUIRE(!as_block_device);
  CHECK(as_block_device.error().code == ENOENT);
  const auto mount = helper->mount();
  REQUIRE(!mount);
  CHECK(mount.error().message.find("/none/such/place") != std::string::npos);
  CHECK(helper->detach());  // nothing was mounted
  ::close(socket);
}

TEST_CASE("a claim is a descriptor that is open here") {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  auto helper = MountHelper::start({.mountpoint = "/", .block_device = null});
  ::close(null);
  REQUIRE(helper);
  const auto claim = helper->claim();
  REQUIRE(claim);
  char byte;
  CHECK(::read(*claim, &byte, 1) == 0);
  ::close(*claim);
}

TEST_CASE("a name that means another device by now is not handed to the kernel") {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto helper = MountHelper::start({.mountpoint = "/none/such/place",
                                    .options_as_block_device = "blkdev,fsname=/dev/zero",
                                    .block_device_name = "/dev/zero",
                                    .block_device = null});
  ::close(null);
  REQUIRE(helper);
  const auto mount = helper->mount_as_block_device();
  REQUIRE(!mount);
  CHECK(mount.error().code == ENODEV);
}

TEST_CASE("the helper does what was planned before the image was read, and nothing else") {
  auto helper = MountHelper::start({.mountpoint = "/"});
  REQUIRE(helper);
  const auto mount = helper->mount(), as_block_device = helper->mount_as_block_device();
  REQUIRE(!mount);
  CHECK(mount.error().code == EALREADY);
  CHECK(!as_block_device);
  const auto claim = helper->claim();
  REQUIRE(!claim);
  CHECK(claim.error().code == EBADF);
}

}  // namespace butterfuse::mount_helper_test
