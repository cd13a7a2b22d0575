// SPDX-License-Identifier: GPL-2.0-or-later
// IdMap: ranges, both ways.
#include "fs/options/id_map.h"

#include <algorithm>
#include <cerrno>

#include "core/base/numbers.h"

namespace butterfuse {
namespace {

// The number in front of the next colon, or of the end; takes both away.
std::optional<uint32_t> take_number(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(':'));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return parse_integer<uint32_t>(word);
}

bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count) {
  return uint64_t{a} < uint64_t{b} + b_count && uint64_t{b} < uint64_t{a} + a_count;
}

}  // namespace

Status IdMap::add_range(std::string_view text) {
  const std::string_view whole = text;
  const auto stored = take_number(text), shown = take_number(text), count = take_number(text);
  // The last id is never of a range: (uid_t)-1 means "leave it as it is" to chown(2).
  const bool good = stored && shown && count && *count > 0 && text.empty() &&
                    UINT32_MAX - *count >= *stored && UINT32_MAX - *count >= *shown;
  if (!good) return make_error(EINVAL, "'{}' is no map of ids: DISK:SHOWN:COUNT is", whole);
  for (const Range& range : ranges_) {
    if (overlap(range.stored, range.count, *stored, *count) ||
        overlap(range.shown, range.count, *shown, *count))
      return make_error(EINVAL, "the map of ids '{}' overlaps {}:{}:{}", whole, range.stored, range.shown,
                        range.count);
  }
  ranges_.push_back({*stored, *shown, *count});
  return {};
}

// Of an id below the range the difference wraps, and is no smaller than any count: one comparison is enough.
uint32_t IdMap::to_shown(uint32_t stored) const {
  if (shown_) return *shown_;
  if (ranges_.empty()) return stored;
  for (const Range& range : ranges_)
    if (stored - range.stored < range.count) return range.shown + (stored - range.stored);
  return kNobody;
}

// `shown_` has no say: the files of others are shown as one's own, new ones have their true maker.
Result<uint32_t> IdMap::of_maker(uint32_t shown) const {
  if (root_ && shown == *root_) return 0;
  if (ranges_.empty()) return shown;
  for (const Range& range : ranges_)
    if (shown - range.shown < range.count) return range.stored + (shown - range.shown);
  return make_error(EOVERFLOW, "no range of the map of ids has {}", shown);
}

Result<uint32_t> IdMap::of_chown(uint32_t shown, uint32_t stored) const {
  if (!shown_) {
    if (ranges_.empty()) return shown;
    return of_maker(shown);
  }
  // As `chown me FILE` of who sees all as his own: nothing is to change.
  if (shown == *shown_) return stored;
  return make_error(EPERM, "all owners are shown as {}: no owner can be changed to {}", *shown_, shown);
}

}  // namespace butterfuse
