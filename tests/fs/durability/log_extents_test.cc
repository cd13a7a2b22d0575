// SPDX-License-Identifier: GPL-2.0-or-later
// Log of extents: an fsync of a file of many extents logs those that changed, and no others.
#include <fcntl.h>

#include <catch2/catch.hpp>

#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/mkfs/mkfs.h"
#include "fs/data/file.h"
#include "fs/mount/mount.h"
#include "fs/names/create.h"
#include "fs/names/lookup.h"
#include "fs/options/parse_options.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::log_extents_test {
namespace {

constexpr uint64_t kBlock = 4096, kExtents = 3000;

// A file whose every second block was written, committed; all writes to the device are recorded.
class FileOfExtents {
 public:
  explicit FileOfExtents(const std::string& features) {
    MkfsOptions wanted;
    wanted.metadata = MkfsProfile::single;
    must(apply_feature_list(features, wanted.features));
    must(make_filesystem(*disk_, wanted));
    open_mount();
    must(create(mount_->root()));
    file_ = open();
    for (uint64_t i = 0; i < kExtents; ++i) write(i, 'a');
    must(mount_->sync());
    committed_ = mount_->filesystem().last_committed();
  }
  ~FileOfExtents() {
    file_.reset();
    if (mount_) (void)mount_->close();
  }

  void write(uint64_t number, char letter) {
    const std::string text(kBlock, letter);
    WriteRequest request{.offset = 2 * number * kBlock, .pieces = {as_bytes(text)}};
    must(write_file(*mount_, *file_, request, {}));
  }
  // Bytes of tree blocks that an fsync writes, which is no commit.
  uint64_t fsync() {
    trace_->clear();
    must(sync_file(*mount_, *file_));
    CHECK(mount_->filesystem().last_committed() == committed_);
    uint64_t bytes = 0;
    for (const TraceEvent& event : trace_->events())
      if (event.kind == TraceEvent::Kind::write && event.what == WriteKind::metadata) bytes += event.length;
    return bytes;
  }
  // What is on the device now, mounted: the letter of each block that was written.
  std::string letters_after_crash() {
    auto crashed = std::make_unique<MemoryDevice>(disk_);
    auto mount = must(Mount::open(std::move(crashed), options_));
    std::string letters;
    {
      OpenFile file(must(lookup_existing(*mount, mount->root(), "file")));
      for (uint64_t i = 0; i < kExtents; ++i)
        must(read_file(*mount, file, 2 * i * kBlock, 1, [&](const std::vector<ByteSpan>& pieces) {
          for (const ByteSpan piece : pieces) letters += as_text(piece);
        }));
    }
    must(mount->close());
    return letters;
  }

 private:
  void open_mount() {
    must(parse_mount_options("commit=3600", options_));
    mount_ = must(Mount::open(std::make_unique<RecordingDevice>(disk_, trace_), options_));
  }
  Result<InodePtr> create(Inode& dir) {
    return butterfuse::create(*mount_, dir, "file", {.mode = 0100644}, {});
  }
  std::unique_ptr<OpenFile> open() {
    return must(open_file(*mount_, must(lookup_existing(*mount_, mount_->root(), "file")), O_RDWR, {}));
  }

  const std::shared_ptr<MemoryDevice> disk_ = std::make_shared<MemoryDevice>(256u << 20);
  const std::shared_ptr<Trace> trace_ = std::make_shared<Trace>();
  MountOptions options_;
  std::unique_ptr<Mount> mount_;
  std::unique_ptr<OpenFile> file_;
  uint64_t committed_ = 0;
};

}  // namespace

TEST_CASE("an fsync of 300 scattered changes writes a log of 300 extents, not of all 3000 and their holes") {
  const std::string features = GENERATE("", "^no-holes");
  FileOfExtents test(features);
  for (uint64_t i = 0; i < kExtents; i += 10) test.write(i, 'b');
  // Some 110 bytes each with their checksums; 6000 items and holes take 30 leaves and more.
  INFO(features);
  CHECK(test.fsync() <= 10 * (16u << 10));

  const std::string letters = test.letters_after_crash();
  REQUIRE(letters.size() == kExtents);
  for (uint64_t i = 0; i < kExtents; ++i) REQUIRE(letters[i] == (i % 10 == 0 ? 'b' : 'a'));
}

TEST_CASE("an fsync of one appended block logs one extent, however many the file has") {
  const std::string features = GENERATE("", "^no-holes");
  FileOfExtents test(features);
  test.write(kExtents, 'b');
  INFO(features);
  CHECK(test.fsync() <= 4 * (16u << 10));
}

}  // namespace butterfuse::log_extents_test
