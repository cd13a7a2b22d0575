// SPDX-License-Identifier: GPL-2.0-or-later
// FileSize: after a crash a file has what fsync promised and nothing that never was, however it is dirtied.
#include <array>
#include <bitset>

#include "tests/core/writeback/rig.h"

namespace butterfuse::file_size_test {
namespace {

constexpr uint64_t kUnit = 512;
constexpr uint64_t kUnitsMax = 400;

// What each 512 bytes of a file may be after a crash: one value each that it had since it was last durable.
class CrashModel {
 public:
  uint64_t size() const { return size_; }

  void write(uint64_t first, uint64_t count, std::byte value) {
    grow(first);
    for (uint64_t unit = first; unit < first + count; ++unit) {
      if (unit >= size_ / kUnit) allowed_[unit].reset();
      set(unit, value);
    }
    size_ = std::max(size_, (first + count) * kUnit);
  }
  // The cut is in the trees: what was behind it never comes back.
  void truncate(uint64_t units) {
    size_ = units * kUnit;
    durable_ = std::min(durable_, size_);
    for (Fsync& one : fsyncs_) one.size = std::min(one.size, size_);
  }
  void grow(uint64_t units) {
    for (uint64_t unit = size_ / kUnit; unit < units; ++unit) {
      allowed_[unit].reset();
      set(unit, std::byte{0});
    }
    size_ = std::max(size_, units * kUnit);
  }
  void begin_fsync() {
    fsyncs_.push_back({size_, {}});
    for (uint64_t unit = 0; unit < kUnitsMax; ++unit) fsyncs_.back().since[unit].set(now_[unit]);
  }
  void end_fsync() {
    allowed_ = fsyncs_.back().since;
    durable_ = std::max(durable_, fsyncs_.back().size);
    fsyncs_.pop_back();
  }
  void check(uint64_t disk_size, const Bytes& disk) const {
    REQUIRE(disk_size <= size_);
    REQUIRE(disk_size >= durable_);
    for (uint64_t at = 0; at < disk_size; ++at) {
      if (!allowed_[at / kUnit][static_cast<size_t>(disk[at])])
        FAIL("byte " << at << " of " << disk_size << " is " << static_cast<int>(disk[at])
                     << " after a crash");
    }
  }

 private:
  using Values = std::bitset<256>;
  using PerUnit = std::array<Values, kUnitsMax>;
  struct Fsync {
    uint64_t size;
    PerUnit since;
  };
  void set(uint64_t unit, std::byte value) {
    now_[unit] = static_cast<size_t>(value);
    allowed_[unit].set(now_[unit]);
    for (Fsync& one : fsyncs_) one.since[unit].set(now_[unit]);
  }
  uint64_t size_ = 0, durable_ = 0;
  std::array<size_t, kUnitsMax> now_{};
  PerUnit allowed_;
  std::vector<Fsync> fsyncs_;
};

class Load {
 public:
  Load(unsigned seed, uint8_t compression) : random_(seed), file_(rig_.open(compression)) {
    rig_.backend->max_inline = 0;  // the fake's inline extents come in whole
    rig_.when_stalled = [this] { return while_waiting(); };
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      check();
    }
    rig_.when_stalled = [this] { return run_one(); };
    fsync();
    REQUIRE(file_.data->disk_size() == model_.size());
  }

 private:
  uint32_t random(uint64_t below) { return static_cast<uint32_t>(random_() % std::max<uint64_t>(below, 1)); }
  uint64_t units() const { return model_.size() / kUnit; }

  void step() {
    switch (random(12)) {
      case 0:
        return truncate(random(units() + 1));
      case 1:
        return grow();
      case 2:
      case 3:
        return fsync();
      case 4:
      case 5:
        rig_.start_flush(file_);
        return;
      case 6:
      case 7:
        (void)run_one();
        return;
      case 8:
        return write(units() + random(20));  // behind a hole
      case 9:
      case 10:
        return write(units());
      default:
        return write(random(units() + 1));
    }
  }

  void write(uint64_t first) {
    if (first >= kUnitsMax) return;
    const uint64_t count = 1 + random(std::min<uint64_t>(40, kUnitsMax - first));
    const auto value = static_cast<std::byte>(1 + random(255));
    model_.write(first, count, value);  // while it waits for a page, some of it may be on disk already
    const Bytes bytes(count * kUnit, value);
    const auto written = file_.data->write(first * kUnit, {ByteSpan(bytes)}, 1);
    REQUIRE(written.has_value());
    REQUIRE(*written == bytes.size());
  }
  void truncate(uint64_t size) {
    truncating_ = true;  // fs/data changes items and size in one transaction, which no crash parts
    REQUIRE(file_.data->truncate_pages(size * kUnit).has_value());
    rig_.backend->truncate(file_.owner.ino(), size * kUnit);
    file_.data->lower_disk_size(size * kUnit);
    file_.data->raise_disk_size();
    model_.truncate(size);
    truncating_ = false;
  }
  void grow() {
    const uint64_t size = std::min(units() + random(40), kUnitsMax);
    if (size <= units()) return;
    REQUIRE(file_.data->zero_old_end().has_value());
    file_.data->extend(size * kUnit);
    model_.grow(size);
  }
  void fsync() {
    model_.begin_fsync();
    fsyncing_ = true;
    REQUIRE(file_.data->flush({0, ~uint64_t{0}}, true).has_value());
    fsyncing_ = false;
    model_.end_fsync();
  }
  bool run_one() {
    return rig_.workers.run_one(random(rig_.workers.queue_depth())) || rig_.readers.run_one();
  }

  // What others do while an fsync waits: early pages made dirty anew, or in holes, or more at the end.
  bool while_waiting() {
    const bool ran = run_one();
    check();
    if (fsyncing_ && random(3) == 0 && depth_ < 2) {
      ++depth_;
      fsyncing_ = false;
      random(4) == 0 ? write(units()) : write(random(units()));
      fsyncing_ = true;
      --depth_;
    }
    return ran;
  }
  void check() {
    if (truncating_) return;
    const uint64_t disk_size = file_.data->disk_size();
    model_.check(disk_size, rig_.backend->on_disk(file_.owner.ino(), disk_size));
  }

  std::mt19937 random_;
  CrashModel model_;
  Rig rig_;
  RigFile& file_;
  bool fsyncing_ = false, truncating_ = false;
  int depth_ = 0;
};

ByteRange pages(uint64_t first, uint64_t end) { return {first * 4096, end * 4096}; }

}  // namespace

TEST_CASE("after a crash a file has what was fsynced, and old or new bytes, whatever was dirtied meanwhile") {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed);
    Load(seed, seed % 3 == 0 ? compression_type::kZstd : compression_type::kNone).run(120);
  }
}

TEST_CASE("appended bytes are counted on disk although pages before them are dirty") {
  FileSize size(10 * 4096);
  size.note_dirty(pages(10, 12), 12 * 4096 - 100);
  size.note_dirty(pages(3, 4), 4 * 4096);
  CHECK(size.raise() == 10 * 4096);
  size.settle(pages(10, 12));
  CHECK(size.raise() == 12 * 4096 - 100);
}

TEST_CASE("a hole below the size that is written while an fsync waits holds nothing down") {
  FileSize size(0);
  size.note_dirty(pages(8, 9), 9 * 4096);
  size.note_dirty(pages(2, 3), 3 * 4096);
  size.settle(pages(8, 9));
  CHECK(size.raise() == 9 * 4096);
}

TEST_CASE("an appended page holds the size on disk before it, also when those behind it are there") {
  FileSize size(4096);
  size.note_dirty(pages(1, 3), 3 * 4096);
  size.note_dirty(pages(3, 4), 3 * 4096 + 5);
  size.settle(pages(2, 4));
  CHECK(size.raise() == 4096);
  size.settle(pages(1, 2));
  CHECK(size.raise() == 3 * 4096 + 5);
}

TEST_CASE("the zeroed rest of the last page is owed before the file grows behind it") {
  FileSize size(5000);
  size.note_dirty(pages(1, 2), 0);
  size.extend(100'000);
  CHECK(size.raise() == 5000);
  size.settle(pages(1, 2));
  CHECK(size.raise() == 100'000);
}

TEST_CASE("what was cut off is owed no more") {
  FileSize size(0);
  size.note_dirty(pages(0, 10), 10 * 4096);
  size.settle(pages(0, 2));
  CHECK(size.raise() == 2 * 4096);
  size.cut(4096);
  size.lower_on_disk(4096);
  CHECK(size.raise() == 4096);
  size.extend(10 * 4096);
  CHECK(size.raise() == 10 * 4096);
}

}  // namespace butterfuse::file_size_test
