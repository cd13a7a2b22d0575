// Writes that the device refuses: who is told, and what is left.
#include <fcntl.h>

#include <catch2/catch.hpp>

#include "core/check/checker.h"
#include "core/device/fault_device.h"
#include "core/device/memory_device.h"
#include "core/mkfs/mkfs.h"
#include "fs/vfs/copy_range.h"
#include "fs/vfs/create.h"
#include "fs/vfs/file.h"
#include "tests/support/mkfs_image.h"
#include "core/device/shared_device.h"

using namespace butterfuse;

namespace {

// A file system in memory whose writes fail where a test says.
class FaultyMount {
 public:
  explicit FaultyMount(const std::string& options, const std::string& features = "") {
    MkfsOptions wanted;
    must(apply_feature_list(features, wanted.features));
    must(make_filesystem(*disk_, wanted));
    MountOptions parsed;
    must(parse_mount_options(options + ",commit=3600", parsed));
    mount_ = must(Mount::open(std::make_unique<SharedDevice>(fault_), parsed));
  }
  ~FaultyMount() {
    if (mount_) (void)mount_->close();
  }

  Mount& mount() { return *mount_; }
  void fail_next_write() { fault_->fail_nth(FaultOperation::write, 1, EIO); }
  std::unique_ptr<OpenFile> create(const std::string& name) {
    return must(open_file(
        *mount_, must(butterfuse::create(*mount_, mount_->root(), name, {.mode = 0100644}, {})), O_RDWR, {}));
  }
  void write(OpenFile& file, uint64_t offset, const std::string& text) {
    const WriteRequest request{.offset = offset, .pieces = {as_bytes(text)}};
    must(write_file(*mount_, file, request, {}));
  }
  uint64_t close_and_count_errors() {
    must(mount_->close());
    mount_.reset();
    return must(check_filesystem(std::make_unique<SharedDevice>(disk_), {})).errors;
  }

 private:
  std::shared_ptr<MemoryDevice> disk_ = std::make_shared<MemoryDevice>(256u << 20);
  std::shared_ptr<FaultDevice> fault_ = std::make_shared<FaultDevice>(disk_);
  std::unique_ptr<Mount> mount_;
};

}  // namespace

TEST_CASE("a copy of what can't be written fails, and so does the next fsync of the original") {
  FaultyMount test("");
  const auto from = test.create("from"), to = test.create("to");
  test.write(*from, 0, std::string(8192, 'x'));
  test.fail_next_write();
  const auto copied = copy_range(test.mount(), {*from->inode, 0, *to->inode, 0, 8192});
  REQUIRE_FALSE(copied);
  CHECK(copied.error().code == EIO);
  CHECK_FALSE(sync_file(test.mount(), *from));
  CHECK(sync_file(test.mount(), *from));  // told once
}

TEST_CASE("an error of writeback by a commit is told by the next sync") {
  FaultyMount test("flushoncommit,notreelog");
  const auto lost = test.create("lost"), other = test.create("other");
  test.write(*lost, 0, std::string(8192, 'x'));
  test.fail_next_write();
  CHECK(sync_file(test.mount(), *other));
  CHECK_FALSE(test.mount().sync());
  CHECK(test.mount().sync());
}

TEST_CASE("what could not be written leaves a hole with an item where files need one") {
  FaultyMount test("", "^no-holes,^block-group-tree");
  auto file = test.create("file");
  test.write(*file, 0, std::string(8192, 'x'));
  must(test.mount().sync());
  test.write(*file, 65536, std::string(8192, 'y'));
  test.fail_next_write();
  CHECK_FALSE(test.mount().sync());
  test.write(*file, 0, "again");  // takes the size along
  must(test.mount().sync());
  file.reset();
  CHECK(test.close_and_count_errors() == 0);
}
