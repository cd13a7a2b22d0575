// Full file systems: what can't be refused any more still finds its space.
#include <fcntl.h>
#include <linux/falloc.h>

#include <catch2/catch.hpp>

#include "core/check/checker.h"
#include "core/device/memory_device.h"
#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "fs/vfs/copy_range.h"
#include "fs/vfs/create.h"
#include "fs/vfs/fallocate.h"
#include "fs/vfs/file.h"
#include "fs/vfs/xattr.h"
#include "tests/support/mkfs_image.h"

using namespace butterfuse;

namespace {

constexpr uint64_t kMiB = 1 << 20;

// A small file system in memory that commits only when it has to.
class SmallMount {
 public:
  explicit SmallMount(const std::string& options = "") {
    must(make_filesystem(*disk_, {}));
    MountOptions parsed;
    must(parse_mount_options(options + ",commit=3600", parsed));
    mount_ = must(Mount::open(std::make_unique<SharedDevice>(disk_), parsed));
  }
  ~SmallMount() {
    if (mount_) (void)mount_->close();
  }

  Mount& mount() { return *mount_; }
  Result<InodePtr> create(const std::string& name) {
    return butterfuse::create(*mount_, mount_->root(), name, {.mode = 0100644}, {});
  }
  std::unique_ptr<OpenFile> open(InodePtr inode) {
    return must(open_file(*mount_, std::move(inode), O_RDWR, {}));
  }
  Result<size_t> write(OpenFile& file, uint64_t offset, const std::string& text) {
    return write_file(*mount_, file, {.offset = offset, .pieces = {as_bytes(text)}}, {});
  }
  std::string read(OpenFile& file, uint64_t offset, size_t bytes) {
    std::string text;
    must(read_file(*mount_, file, offset, bytes, [&](const std::vector<ByteSpan>& pieces) {
      for (const ByteSpan piece : pieces) text += as_text(piece);
    }));
    return text;
  }
  uint64_t close_and_count_errors() {
    must(mount_->close());
    mount_.reset();
    return must(check_filesystem(std::make_unique<SharedDevice>(disk_), {})).errors;
  }

 private:
  std::shared_ptr<MemoryDevice> disk_ = std::make_shared<MemoryDevice>(256 * kMiB);
  std::unique_ptr<Mount> mount_;
};

Status add_attribute(Mount& mount, Inode& inode, const std::string& name) {
  const std::string value(3000, 'v');
  return set_xattr(mount, inode, {.name = name, .value = as_bytes(value)});
}

}  // namespace

// Each of them will copy a leaf in the commit, and no promise was asked for.
TEST_CASE("files can be read, and so dirtied, while there is no metadata space left") {
  SmallMount test("strictatime");
  std::vector<std::unique_ptr<OpenFile>> files;
  Status status;
  while (status) {
    auto made = test.create("file" + std::to_string(files.size()));
    if (!made) break;
    files.push_back(test.open(std::move(*made)));
    for (int i = 0; status && i < 4; ++i)
      status = add_attribute(test.mount(), *files.back()->inode, "user.x" + std::to_string(i));
  }
  must(test.mount().sync());
  REQUIRE(files.size() > 300);
  for (int round = 0; round < 3; ++round) {
    for (const auto& file : files) CHECK(test.read(*file, 0, 1).empty());
    REQUIRE(test.mount().sync());
  }
  CHECK_FALSE(test.mount().filesystem().read_only());
  files.clear();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE(
    "bytes that a full file system took for a preallocated extent survive a reflink of its other part") {
  SmallMount test;
  const auto kept = test.open(must(test.create("kept")));
  must(fallocate(test.mount(), *kept->inode, 0, {0, kMiB}));
  const auto filler = test.open(must(test.create("filler")));
  const std::string much(kMiB, 'f');
  uint64_t at = 0;
  while (auto written = test.write(*filler, at, much)) at += *written;
  const std::string text(4096, 't');
  must(test.write(*kept, kMiB / 2, text));
  const auto other = test.open(must(test.create("other")));
  must(copy_range(test.mount(), {*kept->inode, 0, *other->inode, 0, 4096}));
  CHECK(sync_file(test.mount(), *kept));
  kept->inode->data().drop_clean_pages();
  CHECK(test.read(*kept, kMiB / 2, 4096) == text);
}
