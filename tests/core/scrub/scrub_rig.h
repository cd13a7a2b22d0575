// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubRig: a file system on devices in memory, whose stored bytes can be broken one by one, and its scrubs.
#pragma once

#include <fcntl.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/check/checker.h"
#include "core/device/memory_device.h"
#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "core/scrub/scrub.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/options/parse_options.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse {

// Reads of a range fail, until it is written; and a test may look at each read.
class BadDevice final : public BlockDevice {
 public:
  explicit BadDevice(std::shared_ptr<BlockDevice> base) : base_(std::move(base)) {}
  uint64_t size_bytes() const override { return base_->size_bytes(); }
  bool read_only() const override { return false; }
  const std::string& path() const override { return base_->path(); }
  Status read(uint64_t offset, MutableByteSpan into) override {
    const ByteRange range = ByteRange::at(offset, into.size());
    if (on_read) on_read(range);
    if (bad.overlaps(range)) return make_error(EIO, "{} can't be read", offset);
    return base_->read(offset, into);
  }
  Status write(uint64_t offset, ByteSpan from, WriteKind kind) override {
    if (ByteRange::at(offset, from.size()).contains(bad)) bad = {};
    return base_->write(offset, from, kind);
  }
  Status flush() override { return base_->flush(); }

  ByteRange bad{};
  std::function<void(ByteRange)> on_read;

 private:
  const std::shared_ptr<BlockDevice> base_;
};

class ScrubRig {
 public:
  static constexpr uint64_t kDeviceBytes = 256u << 20;
  static constexpr uint32_t kSector = 4096;

  ScrubRig(size_t count, MkfsProfile metadata, MkfsProfile data) {
    std::vector<BlockDevice*> raw;
    for (size_t i = 0; i < count; ++i) {
      disks.push_back(std::make_shared<MemoryDevice>(kDeviceBytes));
      devices.push_back(std::make_shared<BadDevice>(disks.back()));
      raw.push_back(disks.back().get());
    }
    MkfsOptions options;
    options.metadata = metadata, options.data = data;
    must(make_filesystem(raw, options));
  }
  ~ScrubRig() { close(); }

  // A file of the top level, each of whose sectors is another one.
  void put(const std::string& name, size_t bytes, const std::string& options = "") {
    MountOptions wanted;
    must(parse_mount_options(options, wanted));
    const auto mount = must(Mount::open(all(), wanted));
    {
      std::string text(bytes, 'x');
      for (size_t at = 0; at < bytes; ++at) text[at] = static_cast<char>('a' + (at / kSector * 7 + at) % 23);
      auto inode = must(create(*mount, mount->root(), name, {.mode = 0100644}, {}));
      const auto file = must(open_file(*mount, std::move(inode), O_RDWR, {}));
      must(write_file(*mount, *file, {.offset = 0, .pieces = {as_bytes(text)}}, {}));
    }
    must(mount->close());
  }

  // Open as long as nothing else is asked of it.
  Filesystem& filesystem(bool read_only = false) {
    if (filesystem_ && filesystem_->read_only() != read_only) close();
    if (!filesystem_) {
      FilesystemOptions options;
      options.read_only = read_only;
      options.commit_interval_s = 0;
      filesystem_ = must(Filesystem::open(all(), options));
    }
    return *filesystem_;
  }
  void close() {
    if (filesystem_) (void)filesystem_->close();
    filesystem_.reset();
  }

  // What the extent tree says is stored, in order.
  std::vector<ByteRange> extents(bool tree_blocks) {
    std::vector<ByteRange> found;
    ReadCursor cursor(filesystem().extent_tree());
    must(cursor.seek({0, 0, 0}));
    while (cursor.valid()) {
      const Key key = cursor.key();
      const bool skinny = key.type == key_type::kMetadataItem;
      if (skinny && tree_blocks)
        found.push_back(ByteRange::at(key.objectid, filesystem().volume().nodesize()));
      if (key.type == key_type::kExtentItem && !tree_blocks)
        found.push_back(ByteRange::at(key.objectid, key.offset));
      must(cursor.next());
    }
    return found;
  }
  uint64_t fs_tree_root() { return must(filesystem().subvolume(objectid::kFsTree))->root().bytenr; }

  // Where a copy of it lies.
  struct Place {
    size_t disk = 0;
    uint64_t physical = 0;
  };
  Place place(uint64_t bytenr, size_t copy) {
    const auto chunk = filesystem().volume().chunk_at(bytenr);
    const StripePiece piece = stripe_piece(*chunk, bytenr - chunk->start, 1);
    const ChunkStripe& stripe = chunk->stripes.at(piece.first_copy + copy);
    return {stripe.devid - 1, stripe.physical + piece.stripe_offset};
  }
  // One bit of a copy is another.
  void flip(uint64_t bytenr, size_t copy) {
    const Place at = place(bytenr, copy);
    std::byte byte{};
    must(disks[at.disk]->read(at.physical, {&byte, 1}));
    byte ^= std::byte{0x10};
    must(disks[at.disk]->write(at.physical, {&byte, 1}, WriteKind::data));
  }

  struct Scrubbed {
    Status status;
    ScrubProgress progress;
  };
  Scrubbed scrub(uint64_t devid, bool repair = true, ByteRange range = {0, ~uint64_t{0}},
                 const std::function<void(Scrub&)>& prepare = nullptr) {
    filesystem(!repair).volume().set_repairs(repair);
    Scrub scrub(*filesystem_, devid, range, repair);
    if (prepare) prepare(scrub);
    const Status status = scrub.run();
    return {status, scrub.progress()};
  }
  // Of our checker, checksums and all copies included.
  CheckSummary checked() {
    close();
    return must(check_filesystem(all(), {.data_csums = true}));
  }

  std::vector<std::shared_ptr<MemoryDevice>> disks;
  std::vector<std::shared_ptr<BadDevice>> devices;  // in front of them

 private:
  BlockDevices all() {
    BlockDevices opened;
    for (const auto& device : devices) opened.push_back(std::make_unique<SharedDevice>(device));
    return opened;
  }
  std::unique_ptr<Filesystem> filesystem_;
};

}  // namespace butterfuse
