// Keyed references: items of their own, for extents with more references than fit inline.
#include "core/transaction/extent_refs.h"

namespace butterfuse {
namespace {

uint32_t keyed_bytes(const ExtentRef& ref) {
  switch (ref.type) {
    case key_type::kExtentDataRef:
      return sizeof(DiskExtentDataRef);
    case key_type::kSharedDataRef:
      return sizeof(DiskSharedDataRef);
    default:
      return 0;
  }
}

// The count of a keyed data reference. Its size was checked by on_ref.
uint32_t stored_count(const ExtentRef& ref, ByteSpan item) {
  return ref.type == key_type::kExtentDataRef ? load<DiskExtentDataRef>(item).count
                                              : load<DiskSharedDataRef>(item).count;
}

void store_ref(const ExtentRef& ref, uint32_t count, MutableByteSpan into) {
  if (ref.type == key_type::kExtentDataRef)
    store(into, DiskExtentDataRef{ref.root, ref.objectid, ref.offset, count});
  else if (ref.type == key_type::kSharedDataRef)
    store(into, DiskSharedDataRef{count});
}

}  // namespace

// Whether the item under the cursor is this reference (for hashed ones: not just one of the same hash).
bool ExtentRefs::on_ref(uint64_t bytenr, const ExtentRef& ref) const {
  Key key = cursor_.key();
  if (key.objectid != bytenr || key.type != ref.type || cursor_.data().size() < keyed_bytes(ref))
    return false;
  if (ref.type != key_type::kExtentDataRef) return key.offset == ref.sequence();
  auto item = cursor_.as<DiskExtentDataRef>();
  return item.root == ref.root && item.objectid == ref.objectid && item.offset == ref.offset;
}

Status ExtentRefs::change_keyed(uint64_t bytenr, const RefDelta& delta) {
  return delta.delta > 0 ? add_keyed(bytenr, delta.ref, delta.delta)
                         : drop_keyed(bytenr, delta.ref, -delta.delta);
}

Status ExtentRefs::add_keyed(uint64_t bytenr, const ExtentRef& ref, int64_t count) {
  Key key{bytenr, ref.type, ref.sequence()};
  while (true) {
    BF_ASSIGN(bool taken, cursor_.seek(key));
    if (!taken) break;
    if (on_ref(bytenr, ref)) {
      if (!ref.is_data()) return make_error(EUCLEAN, "extent {}: added again: {}", bytenr, to_text(ref));
      int64_t sum = int64_t{stored_count(ref, cursor_.data())} + count;
      if (sum > int64_t{UINT32_MAX})
        return make_error(EUCLEAN, "extent {}: {} times {}", bytenr, sum, to_text(ref));
      BF_ASSIGN(MutableByteSpan item, cursor_.mutable_data());
      store_ref(ref, static_cast<uint32_t>(sum), item);
      return {};
    }
    ++key.offset;  // another reference has the same hash: the next free offset
  }
  if (!ref.is_data() && count != 1)
    return make_error(EUCLEAN, "extent {}: {} times {}", bytenr, count, to_text(ref));
  BF_ASSIGN(MutableByteSpan item, cursor_.insert(key, keyed_bytes(ref)));
  store_ref(ref, static_cast<uint32_t>(count), item);
  return {};
}

Status ExtentRefs::drop_keyed(uint64_t bytenr, const ExtentRef& ref, int64_t count) {
  BF_ASSIGN([[maybe_unused]] bool exact, cursor_.seek({bytenr, ref.type, ref.sequence()}));
  // A hashed reference may lie behind others of its hash, with gaps where some of those are gone.
  while (cursor_.valid() && !on_ref(bytenr, ref)) {
    if (cursor_.key().objectid != bytenr || cursor_.key().type != ref.type ||
        ref.type != key_type::kExtentDataRef)
      break;
    BF_TRY(cursor_.next());
  }
  if (!cursor_.valid() || !on_ref(bytenr, ref))
    return make_error(EUCLEAN, "extent {}: no such reference to drop: {}", bytenr, to_text(ref));
  int64_t stored = ref.is_data() ? stored_count(ref, cursor_.data()) : 1;
  if (count > stored)
    return make_error(EUCLEAN, "extent {}: {} times {}, {} to drop", bytenr, stored, to_text(ref), count);
  if (count == stored) return cursor_.remove();
  BF_ASSIGN(MutableByteSpan item, cursor_.mutable_data());
  store_ref(ref, static_cast<uint32_t>(stored - count), item);
  return {};
}

}  // namespace butterfuse
