// Forms of back references: from the calls of tree changes, and their order in an extent item.
#include "core/transaction/extent_ref.h"

#include "core/base/assert.h"
#include "core/base/checksum.h"
#include "core/base/le.h"
#include "core/ondisk/format.h"

namespace butterfuse {
namespace {

// The hash of an EXTENT_DATA_REF: one crc of the root, one of inode and offset, overlapping by one bit.
uint64_t data_ref_hash(uint64_t root, uint64_t objectid, uint64_t offset) {
  le64 disk_root = root, disk_objectid = objectid, disk_offset = offset;
  uint64_t high = crc32c_raw(~uint32_t{0}, object_bytes(disk_root));
  uint32_t low = crc32c_raw(~uint32_t{0}, object_bytes(disk_objectid));
  low = crc32c_raw(low, object_bytes(disk_offset));
  return (high << 31) ^ low;
}

}  // namespace

ExtentRef ExtentRef::of(const TreeRef& ref) {
  if (ref.parent != 0) return {.type = key_type::kSharedBlockRef, .parent = ref.parent};
  return {.type = key_type::kTreeBlockRef, .root = ref.root};
}

ExtentRef ExtentRef::of(const DataRef& ref) {
  if (ref.parent != 0) return {.type = key_type::kSharedDataRef, .parent = ref.parent};
  return {.type = key_type::kExtentDataRef, .root = ref.root, .objectid = ref.objectid, .offset = ref.offset};
}

bool ExtentRef::is_data() const {
  return type == key_type::kExtentDataRef || type == key_type::kSharedDataRef;
}

uint64_t ExtentRef::sequence() const {
  switch (type) {
    case key_type::kTreeBlockRef:
      return root;
    case key_type::kExtentDataRef:
      return data_ref_hash(root, objectid, offset);
    default:
      return parent;
  }
}

uint32_t ExtentRef::inline_bytes() const {
  switch (type) {
    case key_type::kExtentDataRef:
      return 1 + sizeof(DiskExtentDataRef);
    case key_type::kSharedDataRef:
      return sizeof(DiskExtentInlineRef) + sizeof(DiskSharedDataRef);
    default:
      return sizeof(DiskExtentInlineRef);
  }
}

std::string to_text(const ExtentRef& ref) {
  switch (ref.type) {
    case key_type::kTreeBlockRef:
      return fmt::format("tree block ref root {}", ref.root);
    case key_type::kSharedBlockRef:
      return fmt::format("shared block ref parent {}", ref.parent);
    case key_type::kExtentDataRef:
      return fmt::format("extent data ref root {} objectid {} offset {}", ref.root, ref.objectid, ref.offset);
    case key_type::kSharedDataRef:
      return fmt::format("shared data ref parent {}", ref.parent);
    default:
      return fmt::format("ref of unknown type {}", ref.type);
  }
}

size_t ExtentRefHash::operator()(const ExtentRef& ref) const {
  uint64_t hash = ref.type;
  for (uint64_t field : {ref.root, ref.objectid, ref.offset, ref.parent}) {
    hash = (hash ^ field) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace butterfuse
