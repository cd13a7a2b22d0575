// SPDX-License-Identifier: GPL-2.0-or-later
// FakeBackend: a file system in memory under the pipeline: extents, checksums, promises, failures on demand.
#pragma once

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>

#include "compress/codec.h"
#include "core/delalloc/writeback_backend.h"
#include "tests/core/writeback/fake_allocator.h"

enum class Step { reserve_data, reserve_metadata, alloc, write, read, finish, insert_inline };
constexpr Step kAllSteps[] = {Step::reserve_data, Step::reserve_metadata, Step::alloc,        Step::write,
                              Step::read,         Step::finish,           Step::insert_inline};

// What the backend tells of one inode, as the owner of a real one would hear it.
class FakeOwner final : public butterfuse::DataOwner {
 public:
  explicit FakeOwner(uint64_t ino) : ino_(ino) {}
  butterfuse::Tree& tree() override { std::abort(); }
  uint64_t root_id() const override { return 5; }
  uint64_t ino() const override { return ino_; }
  butterfuse::CompressChoice compress_choice() const override { return choice; }
  bool nodatasum() const override { return no_csums; }
  bool nodatacow() const override { return false; }
  void note_incompressible() override { ++incompressible; }
  void note_extents_changed(butterfuse::TransactionHandle&, int64_t, uint64_t) override { std::abort(); }

  butterfuse::CompressChoice choice;
  bool no_csums = false;
  std::atomic<int> incompressible{0};
  int64_t nbytes = 0;
  uint64_t told_disk_size = 0;

 private:
  const uint64_t ino_;
};

class FakeBackend final : public butterfuse::WritebackBackend {
  using ByteRange = butterfuse::ByteRange;
  using ByteSpan = butterfuse::ByteSpan;
  using Status = butterfuse::Status;
  template <class T>
  using Result = butterfuse::Result<T>;
  using Bytes = std::vector<std::byte>;

 public:
  struct Extent {
    uint64_t length = 0;
    ByteRange disk;
    uint64_t offset = 0;     // of this piece in the uncompressed extent
    uint64_t ram_bytes = 0;  // of the whole extent
    uint8_t compression = 0;
    Bytes inline_bytes;
  };
  using File = std::map<uint64_t, Extent>;

  explicit FakeBackend(uint64_t disk_bytes = 64 << 20)
      : allocator(disk_bytes), disk_(zeros(FakeAllocator::kFirstByte + disk_bytes)) {}

  // ---- the test's side ----
  FakeAllocator allocator;
  std::map<Step, int> calls;
  std::map<Step, std::set<int>> failures;  // which calls of a step fail, from 1
  int fail_code = EIO;
  std::function<void(Step)> before;  // called without the mutex
  std::vector<ByteRange> inserted;   // file ranges, in the order their items came
  uint32_t max_inline = 3000;
  int commits = 0;

  const File& file(uint64_t ino) { return files_[ino]; }
  void truncate(uint64_t ino, uint64_t size) {  // as fs/data cuts the items
    std::lock_guard lock(mutex_);
    drop(files_[ino], {butterfuse::round_up(size, 4096), ~uint64_t{0}});
  }
  void punch(uint64_t ino, ByteRange range) {
    std::lock_guard lock(mutex_);
    drop(files_[ino], range);
  }
  // Flips a bit of an uncompressed byte on disk.
  void damage(uint64_t ino, uint64_t offset) {
    for (const auto& [start, extent] : files_[ino]) {
      if (ByteRange::at(start, extent.length).contains(offset))
        disk_[extent.disk.start + offset - start] ^= std::byte{1};
    }
  }
  uint64_t extent_count(uint64_t ino) {
    std::lock_guard lock(mutex_);
    return files_[ino].size();
  }
  // What the disk holds of a file, holes as zeros: what would be there after a crash and a commit.
  Bytes on_disk(uint64_t ino, uint64_t size) {
    Bytes bytes(butterfuse::round_up(size, 4096));
    std::lock_guard lock(mutex_);
    if (!read_file(ino, {0, bytes.size()}, bytes)) std::abort();
    bytes.resize(size);
    return bytes;
  }

  // ---- the pipeline's side ----
  butterfuse::CsumType csum_type() const override { return butterfuse::CsumType::crc32c; }
  uint64_t max_inline_bytes() const override { return max_inline; }
  Result<butterfuse::Reservation> reserve_data(uint64_t bytes) override {
    BF_TRY(enter(Step::reserve_data));
    std::lock_guard lock(mutex_);
    return guarded_reservation(allocator.reserve(butterfuse::SpaceClass::data, bytes));
  }
  Result<butterfuse::Reservation> reserve_metadata(uint64_t bytes, uint64_t) override {
    BF_TRY(enter(Step::reserve_metadata));
    std::lock_guard lock(mutex_);
    return guarded_reservation(allocator.reserve(butterfuse::SpaceClass::metadata, bytes));
  }
  uint64_t metadata_bytes_per_extent() const override { return allocator.metadata_bytes_for_items(2); }
  Result<bool> commit_for_space() override {
    std::lock_guard lock(mutex_);
    ++commits;
    const bool any = !pinned_.empty();
    for (const ByteRange range : pinned_) allocator.release_reserved(range);
    pinned_.clear();
    return any;
  }
  Result<ByteRange> alloc_extent(uint64_t bytes, uint64_t min_bytes, uint64_t hint) override {
    BF_TRY(enter(Step::alloc));
    std::lock_guard lock(mutex_);
    return allocator.alloc_data(bytes, min_bytes, hint);
  }
  void release_extent(ByteRange disk) override {
    std::lock_guard lock(mutex_);
    allocator.release_reserved(disk);
  }
  Status write(uint64_t bytenr, const std::vector<ByteSpan>& pieces) override {
    BF_TRY(enter(Step::write));
    for (const ByteSpan piece : pieces) {
      std::memcpy(disk_.get() + bytenr, piece.data(), piece.size());
      bytenr += piece.size();
    }
    return {};
  }
  Status read(butterfuse::DataOwner& owner, ByteRange range, butterfuse::MutableByteSpan into) override {
    BF_TRY(enter(Step::read));
    std::lock_guard lock(mutex_);
    return read_file(owner.ino(), range, into);
  }
  Result<ByteRange> compressed_range(butterfuse::DataOwner& owner, uint64_t position,
                                     ByteRange limit) override {
    std::lock_guard lock(mutex_);
    for (const auto& [start, extent] : files_[owner.ino()]) {
      const ByteRange range = ByteRange::at(start, extent.length);
      if (range.contains(position) && extent.compression != 0 && extent.inline_bytes.empty())
        return range.intersection(limit);
    }
    return ByteRange{};
  }
  Status finish_regular(butterfuse::DataOwner& owner, std::span<const butterfuse::FinishedExtent> extents,
                        butterfuse::Reservation metadata,
                        const butterfuse::ExtentsInTrees& in_trees) override {
    const butterfuse::Reservation used = std::move(metadata);
    if (const Status entered = enter(Step::finish); !entered) {
      for (const auto& extent : extents) release_extent(extent.disk);
      return entered;
    }
    auto& fake = dynamic_cast<FakeOwner&>(owner);
    std::lock_guard lock(mutex_);
    File& file = files_[owner.ino()];
    for (const auto& extent : extents) {
      fake.nbytes += static_cast<int64_t>(extent.file.length()) - drop(file, extent.file);
      file[extent.file.start] = {extent.file.length(), extent.disk,        0,
                                 extent.file.length(), extent.compression, {}};
      for (size_t i = 0; i < extent.csums.size() / 4; ++i)
        std::memcpy(&csums_[extent.disk.start + i * 4096], extent.csums.data() + 4 * i, 4);
      refs_[extent.disk.start] = {extent.disk, 1};
      inserted.push_back(extent.file);
    }
    fake.told_disk_size = in_trees();
    return {};
  }
  void cover_unwritten(butterfuse::DataOwner&, butterfuse::ByteRange, butterfuse::Reservation,
                       const butterfuse::ExtentsInTrees&) override {}
  Status insert_inline(butterfuse::DataOwner& owner, const butterfuse::InlineData& data,
                       butterfuse::Reservation metadata,
                       const butterfuse::ExtentsInTrees& in_trees) override {
    const butterfuse::Reservation used = std::move(metadata);
    BF_TRY(enter(Step::insert_inline));
    auto& fake = dynamic_cast<FakeOwner&>(owner);
    std::lock_guard lock(mutex_);
    File& file = files_[owner.ino()];
    fake.nbytes += static_cast<int64_t>(data.ram_bytes) - drop(file, {0, 4096});
    file[0] = {4096, {}, 0, data.ram_bytes, data.compression, data.stored};
    inserted.push_back({0, 4096});
    fake.told_disk_size = in_trees();
    return {};
  }

 private:
  static Result<butterfuse::Reservation> guarded_reservation(Result<butterfuse::Reservation> reservation) {
    return reservation;
  }

  Status enter(Step step) {
    if (before) before(step);
    std::lock_guard lock(mutex_);
    if (!failures[step].contains(++calls[step])) return {};
    return butterfuse::make_error(fail_code, "injected at step {} call {}", static_cast<int>(step),
                                  calls[step]);
  }

  // Cuts [range) out of the file's extents; space without references is pinned until the next commit.
  int64_t drop(File& file, ByteRange range) {
    int64_t dropped = 0;
    for (auto at = file.begin(); at != file.end();) {
      const ByteRange old = ByteRange::at(at->first, at->second.length);
      if (!old.overlaps(range)) {
        ++at;
        continue;
      }
      const Extent extent = at->second;
      at = file.erase(at);
      if (!extent.inline_bytes.empty()) {
        dropped += static_cast<int64_t>(extent.ram_bytes);
        continue;
      }
      dropped += static_cast<int64_t>(old.intersection(range).length());
      auto& [disk, refs] = refs_[extent.disk.start];
      if (old.start < range.start) {
        Extent head = extent;
        head.length = range.start - old.start;
        file[old.start] = head;
        ++refs;
      }
      if (old.end > range.end) {
        Extent tail = extent;
        tail.length = old.end - range.end;
        tail.offset += range.end - old.start;
        file[range.end] = tail;
        ++refs;
      }
      if (--refs == 0) {
        pinned_.push_back(extent.disk);
        for (uint64_t sector = disk.start; sector < disk.end; sector += 4096) csums_.erase(sector);
        refs_.erase(extent.disk.start);
      }
    }
    return dropped;
  }

  Status read_file(uint64_t ino, ByteRange range, butterfuse::MutableByteSpan into) {
    std::fill(into.begin(), into.end(), std::byte{0});
    for (const auto& [start, extent] : files_[ino]) {
      const ByteRange part = ByteRange::at(start, extent.length).intersection(range);
      if (part.empty()) continue;
      const uint64_t from = part.start - start + extent.offset;
      BF_ASSIGN(const Bytes plain, plain_bytes(extent, {from, from + part.length()}));
      if (from >= plain.size()) continue;
      std::memcpy(into.data() + (part.start - range.start), plain.data() + from,
                  std::min<uint64_t>(part.length(), plain.size() - from));
    }
    return {};
  }

  // Checks the sectors that `wanted` needs.
  Result<Bytes> plain_bytes(const Extent& extent, ByteRange wanted) {
    Bytes stored = extent.inline_bytes;
    if (stored.empty()) {
      stored.assign(disk_.get() + extent.disk.start, disk_.get() + extent.disk.end);
      for (size_t at = 0; at < stored.size(); at += 4096) {
        const auto csum = csums_.find(extent.disk.start + at);
        const bool needed = extent.compression != 0 || wanted.overlaps({at, at + 4096});
        if (needed && csum != csums_.end() &&
            csum->second != butterfuse::crc32c(ByteSpan(stored).subspan(at, 4096)))
          return butterfuse::make_error(EIO, "fake: bad checksum at {}", extent.disk.start + at);
      }
    }
    if (extent.compression == 0) return stored;
    Bytes plain(extent.ram_bytes);
    BF_TRY(butterfuse::codec_by_type(extent.compression)->decompress(stored, plain));
    return plain;
  }

  // As large as a disk is, and made for each schedule: the system gives zeros where it is touched. To write
  // them over all of it took most of these tests' time.
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  using Disk = std::unique_ptr<std::byte[], Free>;
  static Disk zeros(size_t bytes) {
    Disk disk(static_cast<std::byte*>(std::calloc(bytes, 1)));
    return disk ? std::move(disk) : throw std::bad_alloc();
  }

  std::recursive_mutex mutex_;
  const Disk disk_;
  std::map<uint64_t, File> files_;
  std::map<uint64_t, uint32_t> csums_;                  // by sector
  std::map<uint64_t, std::pair<ByteRange, int>> refs_;  // of extents on disk
  std::vector<ByteRange> pinned_;
};
