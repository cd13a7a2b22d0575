// IdMap: ranges, both ways.
#include "fs/vfs/id_map.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace butterfuse {
namespace {

// The number in front of the next colon, or of the end; takes both away.
std::optional<uint32_t> take_number(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(':'));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count) {
  return uint64_t{a} < uint64_t{b} + b_count && uint64_t{b} < uint64_t{a} + a_count;
}

}  // namespace

Status IdMap::add_range(std::string_view text) {
  const std::string_view whole = text;
  const auto stored = take_number(text), shown = take_number(text), count = take_number(text);
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

uint32_t IdMap::to_shown(uint32_t stored) const {
  if (shown_) return *shown_;
  if (ranges_.empty()) return stored;
  for (const Range& range : ranges_)
    if (stored - range.stored < range.count) return range.shown + (stored - range.stored);
  return kNobody;
}

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
  if (shown == *shown_) return stored;
  return make_error(EPERM, "all owners are shown as {}: no owner can be changed to {}", *shown_, shown);
}

}  // namespace butterfuse
