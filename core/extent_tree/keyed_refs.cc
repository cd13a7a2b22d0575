// SPDX-License-Identifier: GPL-2.0-or-later
// Keyed references: items of their own, for extents with more references than fit inline.
//
// The key of a data reference has a hash in it, and two references of one extent may have the same: the
// second then has the next free offset. Dropping the first leaves a gap, which is why who looks for a
// reference goes on over all of its type from its hash upwards, and not only to the first free offset.
#include "core/extent_tree/extent_refs.h"

namespace butterfuse {

// How often the item under the cursor has this reference. Nothing where it is another one, perhaps of the
// same hash.
std::optional<uint32_t> ExtentRefs::count_here(uint64_t bytenr, const ExtentRef& ref) const {
  if (!cursor_.valid() || cursor_.key().objectid != bytenr) return std::nullopt;
  const auto here = keyed_ref(cursor_.key(), cursor_.data());
  if (!here || here->ref != ref) return std::nullopt;
  return here->count;
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
    if (const auto stored = count_here(bytenr, ref)) {
      if (!ref.is_data()) return make_error(EUCLEAN, "extent {}: added again: {}", bytenr, to_text(ref));
      const int64_t sum = int64_t{*stored} + count;
      if (sum > int64_t{UINT32_MAX})
        return make_error(EUCLEAN, "extent {}: {} times {}", bytenr, sum, to_text(ref));
      BF_ASSIGN(MutableByteSpan item, cursor_.mutable_data());
      store_keyed_ref(item, {ref, static_cast<uint32_t>(sum)});
      return {};
    }
    ++key.offset;  // another reference has the same hash: the next free offset
  }
  if (!ref.is_data() && count != 1)
    return make_error(EUCLEAN, "extent {}: {} times {}", bytenr, count, to_text(ref));
  BF_ASSIGN(MutableByteSpan item, cursor_.insert(key, ref.keyed_bytes()));
  store_keyed_ref(item, {ref, static_cast<uint32_t>(count)});
  return {};
}

Status ExtentRefs::drop_keyed(uint64_t bytenr, const ExtentRef& ref, int64_t count) {
  BF_ASSIGN([[maybe_unused]] bool exact, cursor_.seek({bytenr, ref.type, ref.sequence()}));
  std::optional<uint32_t> stored = count_here(bytenr, ref);
  // A hashed reference may lie behind others of its hash, with gaps where some of those are gone.
  while (!stored && ref.type == key_type::kExtentDataRef && cursor_.valid() &&
         cursor_.key().objectid == bytenr && cursor_.key().type == ref.type) {
    BF_TRY(cursor_.next());
    stored = count_here(bytenr, ref);
  }
  if (!stored) return make_error(EUCLEAN, "extent {}: no such reference to drop: {}", bytenr, to_text(ref));
  if (count > int64_t{*stored})
    return make_error(EUCLEAN, "extent {}: {} times {}, {} to drop", bytenr, *stored, to_text(ref), count);
  if (count == int64_t{*stored}) return cursor_.remove();
  BF_ASSIGN(MutableByteSpan item, cursor_.mutable_data());
  store_keyed_ref(item, {ref, static_cast<uint32_t>(int64_t{*stored} - count)});
  return {};
}

}  // namespace butterfuse
