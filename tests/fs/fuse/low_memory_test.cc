// SPDX-License-Identifier: GPL-2.0-or-later
// Low memory: what is refused while there is none, and that it comes back.
#include "fs/fuse/low_memory.h"

#include <linux/fuse.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "core/base/memory_reserve.h"
#include "fs/fuse/opcodes.h"
#include "tests/fs/fuse/fuse_rig.h"

namespace butterfuse::low_memory_test {
namespace {

uint64_t address_space_bytes() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// While it lives the reserve is given up, and there is no room to have it again.
class NoMemory {
 public:
  NoMemory() {
    keep_memory_reserve();
    memory_reserve::make_room();
    REQUIRE(memory_reserve::is_used());
    REQUIRE(::getrlimit(RLIMIT_AS, &before_) == 0);
    rlimit few = before_;
    few.rlim_cur = address_space_bytes() + kLeft;
    REQUIRE(::setrlimit(RLIMIT_AS, &few) == 0);
  }
  ~NoMemory() {
    ::setrlimit(RLIMIT_AS, &before_);
    memory_reserve::restore();
  }
  NoMemory(const NoMemory&) = delete;

 private:
  static constexpr uint64_t kLeft = 8u << 20;  // less than the reserve
  rlimit before_{};
};

uint64_t stat_named(Mount& mount, const std::string& name) {
  std::istringstream words(mount.stats_text());
  for (std::string word, value; words >> word >> value;)
    if (word == name) return std::stoull(value);
  FAIL("no counter " << name);
  return 0;
}

}  // namespace

TEST_CASE("without memory what adds something is refused, and all else goes on") {
  const std::set<uint32_t> adding = {FUSE_SYMLINK, FUSE_MKNOD,      FUSE_MKDIR,    FUSE_RENAME,
                                     FUSE_LINK,    FUSE_WRITE,      FUSE_SETXATTR, FUSE_CREATE,
                                     FUSE_IOCTL,   FUSE_FALLOCATE,  FUSE_RENAME2,  FUSE_COPY_FILE_RANGE,
                                     kTmpfile,     kCopyFileRange64};
  MemoryMount memory;
  const NoMemory none;
  for (uint32_t opcode = 0; opcode < 70; ++opcode) {
    INFO("opcode " << opcode);
    CHECK(has_memory_for(memory.mount(), opcode) == !adding.contains(opcode));
  }
}

TEST_CASE("as soon as there is memory again nothing is refused") {
  MemoryMount memory;
  {
    const NoMemory none;
    CHECK_FALSE(has_memory_for(memory.mount(), FUSE_WRITE));
  }
  memory_reserve::make_room();
  REQUIRE(memory_reserve::is_used());
  CHECK(has_memory_for(memory.mount(), FUSE_WRITE));
  CHECK_FALSE(memory_reserve::is_used());
}

TEST_CASE("clean pages are given back") {
  MemoryMount memory;
  auto file = memory.create("file");
  memory.write(*file, 0, std::string(1 << 20, 'x'));
  must(sync_file(memory.mount(), *file));
  CHECK(stat_named(memory.mount(), "cache_resident_bytes") >= 1 << 20);
  const NoMemory none;
  CHECK(has_memory_for(memory.mount(), FUSE_READ));
  CHECK(stat_named(memory.mount(), "cache_resident_bytes") == 0);
}

TEST_CASE("a request that is refused is answered once, and changes nothing") {
  FuseRig rig;
  rig.hello();
  fuse_mkdir_in in{};
  in.mode = 0755;
  {
    const NoMemory none;
    CHECK(rig.call(FUSE_MKDIR, NodeIds::kRootNode, {object_bytes(in), name_bytes("folder")}).error == ENOMEM);
    CHECK(rig.call(FUSE_LOOKUP, NodeIds::kRootNode, {name_bytes("folder")}).as<fuse_entry_out>().nodeid == 0);
  }
  CHECK(rig.call(FUSE_MKDIR, NodeIds::kRootNode, {object_bytes(in), name_bytes("folder")}).error == 0);
}

}  // namespace butterfuse::low_memory_test
