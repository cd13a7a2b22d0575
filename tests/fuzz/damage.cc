// SPDX-License-Identifier: GPL-2.0-or-later
// Damage: what can be done to a tree block, from one field to all of it.
#include "tests/fuzz/damage.h"

#include "core/device/memory_device.h"
#include "core/ondisk/leaf_view.h"
#include "core/volume/superblock.h"

namespace butterfuse::fuzz {
namespace {

constexpr int kChangesMax = 24;

class BlockDamage {
 public:
  BlockDamage(const BaseImage& image, MutableByteSpan block, FuzzedDataProvider& bytes)
      : image_(image), block_(block), bytes_(bytes) {}

  void change() {
    switch (bytes_.ConsumeIntegralInRange(0, 7)) {
      case 0:
        return put(bytes_.ConsumeIntegralInRange<size_t>(0, block_.size() - 1));
      case 1:
        return put(bytes_.ConsumeIntegralInRange<size_t>(kCsumMaxBytes, sizeof(DiskHeader) - 1));
      case 2:
        return change_entry();
      case 3:
        return change_key();
      case 4:
        return change_data(16);
      case 5:
        return change_data(block_.size());
      case 6:
        return drop_or_repeat();
      default:
        return point_elsewhere();
    }
  }

 private:
  uint32_t level() const { return header_of(block_).level; }
  size_t entry_bytes() const { return level() == 0 ? sizeof(DiskItem) : sizeof(DiskKeyPtr); }
  uint32_t entries() const {
    const size_t fit = (block_.size() - sizeof(DiskHeader)) / entry_bytes();
    return std::min<uint32_t>(header_of(block_).nritems, static_cast<uint32_t>(fit));
  }
  // Where an entry of the block's own index begins.
  size_t some_entry() {
    const uint32_t count = entries();
    const uint32_t slot = count == 0 ? 0 : bytes_.ConsumeIntegralInRange<uint32_t>(0, count - 1);
    return sizeof(DiskHeader) + slot * entry_bytes();
  }

  uint64_t some_bytenr() {
    if (image_.blocks.empty()) return 0;
    return image_.blocks[bytes_.ConsumeIntegralInRange<size_t>(0, image_.blocks.size() - 1)].bytenr;
  }

  uint64_t value_from(uint64_t old) {
    switch (bytes_.ConsumeIntegralInRange(0, 7)) {
      case 0:
        return 0;
      case 1:
        return ~uint64_t{0};
      case 2:
        return old + 1;
      case 3:
        return old - 1;
      case 4:
        return uint64_t{1} << bytes_.ConsumeIntegralInRange(0, 63);
      case 5:
        return some_bytenr();
      case 6:
        return old + bytes_.ConsumeIntegral<int8_t>() * int64_t{4096};
      default:
        return bytes_.ConsumeIntegral<uint64_t>();
    }
  }

  // Another value for a field of 1, 2, 4 or 8 bytes that begins at `at`, as far as it lies in the block.
  void put(size_t at) {
    const size_t width = size_t{1} << bytes_.ConsumeIntegralInRange(0, 3);
    if (at >= block_.size()) return;
    const size_t fits = std::min(width, block_.size() - at);
    uint64_t value = 0;
    std::memcpy(&value, block_.data() + at, fits);
    value = value_from(value);
    std::memcpy(block_.data() + at, &value, fits);
  }

  void change_entry() {
    const size_t entry = some_entry();
    put(entry + bytes_.ConsumeIntegralInRange<size_t>(0, entry_bytes() - 1));
  }

  void change_key() {
    constexpr size_t kFields[] = {0, 8, 9};  // objectid, type, offset
    const size_t entry = some_entry();
    put(entry + kFields[bytes_.ConsumeIntegralInRange<size_t>(0, 2)]);
  }

  // A field among the first `reach` bytes of an item's data.
  void change_data(size_t reach) {
    if (level() != 0) return change_entry();
    const size_t entry = some_entry();
    if (entry + sizeof(DiskItem) > block_.size()) return;
    const auto item = load<DiskItem>(block_.subspan(entry));
    const size_t size = std::min<size_t>({item.size, reach, block_.size()});
    if (size == 0) return;
    put(sizeof(DiskHeader) + size_t{item.offset} + bytes_.ConsumeIntegralInRange<size_t>(0, size - 1));
  }

  void drop_or_repeat() {
    const size_t entry = some_entry();
    const size_t end = sizeof(DiskHeader) + entries() * entry_bytes();
    auto header = load<DiskHeader>(block_);
    if (bytes_.ConsumeBool()) {
      if (entry + entry_bytes() > end) return;
      std::memmove(block_.data() + entry, block_.data() + entry + entry_bytes(), end - entry - entry_bytes());
      header.nritems = header.nritems - 1;
    } else {
      if (end + entry_bytes() > block_.size()) return;
      std::memmove(block_.data() + entry + entry_bytes(), block_.data() + entry, end - entry);
      header.nritems = header.nritems + 1;
    }
    store(block_, header);
  }

  // Trees that run into each other, or in circles.
  void point_elsewhere() {
    const size_t entry = some_entry();
    if (level() == 0 || entry + sizeof(DiskKeyPtr) > block_.size()) return change_data(64);
    auto pointer = load<DiskKeyPtr>(block_.subspan(entry));
    pointer.blockptr = some_bytenr();
    for (const BlockCopies& copies : image_.blocks)
      if (copies.bytenr == pointer.blockptr && bytes_.ConsumeBool()) pointer.generation = copies.generation;
    store(block_.subspan(entry), pointer);
  }

  const BaseImage& image_;
  const MutableByteSpan block_;
  FuzzedDataProvider& bytes_;
};

void seal(const BaseImage& image, MutableByteSpan block) {
  const CsumValue sum = checksum(image.csum_type(), block.subspan(kCsumMaxBytes));
  std::memcpy(block.data(), sum.data(), sum.size());
}

std::vector<std::byte> block_of(const BaseImage& image, const BlockCopies& copies, const Disks& disks) {
  std::vector<std::byte> block(image.super.nodesize);
  const BlockCopies::Place& first = copies.places.front();
  if (!disks[first.device]->read(first.physical, block)) block.clear();
  return block;
}

void damage_block(const BaseImage& image, const BlockCopies& copies, const Disks& disks,
                  FuzzedDataProvider& bytes) {
  std::vector<std::byte> block = block_of(image, copies, disks);
  if (block.empty()) return;
  BlockDamage(image, block, bytes).change();
  seal(image, block);
  for (const BlockCopies::Place& place : copies.places)
    (void)disks[place.device]->write(place.physical, block, WriteKind::metadata);
}

void damage_supers(const Disks& disks, FuzzedDataProvider& bytes) {
  auto super = read_super_mirror(*disks.front(), 0);
  if (!super) return;
  damage_super(*super, bytes);
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
    if (!read_super_mirror(*disks.front(), mirror)) continue;
    seal_super(*super, mirror);
    (void)disks.front()->write(super->bytenr, object_bytes(*super), WriteKind::super);
  }
}

}  // namespace

std::vector<std::byte> damaged_block(const BaseImage& image, const BlockCopies& copies,
                                     FuzzedDataProvider& bytes) {
  std::vector<std::byte> block = block_of(image, copies, image.devices);
  for (int change = 0; change < kChangesMax && bytes.remaining_bytes() > 0 && !block.empty(); ++change)
    BlockDamage(image, block, bytes).change();
  if (!block.empty()) seal(image, block);
  return block;
}

void damage_super(DiskSuper& super, FuzzedDataProvider& bytes) {
  const size_t at = bytes.ConsumeIntegralInRange<size_t>(kCsumMaxBytes, sizeof(DiskSuper) - 1);
  const std::string with = bytes.ConsumeBytesAsString(bytes.ConsumeIntegralInRange<size_t>(1, 8));
  std::memcpy(reinterpret_cast<std::byte*>(&super) + at, with.data(),
              std::min(with.size(), sizeof super - at));
}

Disks damage(const BaseImage& image, FuzzedDataProvider& bytes,
             const std::function<bool(const BlockCopies&)>& wanted) {
  Disks disks;
  for (const auto& device : image.devices) disks.push_back(std::make_shared<MemoryDevice>(device));
  std::vector<const BlockCopies*> blocks;
  for (const BlockCopies& copies : image.blocks)
    if (wanted(copies)) blocks.push_back(&copies);
  for (int change = 0; change < kChangesMax && bytes.remaining_bytes() > 0; ++change) {
    const size_t which = bytes.ConsumeIntegralInRange<size_t>(0, blocks.size());
    if (which == blocks.size()) {
      damage_supers(disks, bytes);
    } else {
      damage_block(image, *blocks[which], disks, bytes);
    }
  }
  return disks;
}

}  // namespace butterfuse::fuzz
