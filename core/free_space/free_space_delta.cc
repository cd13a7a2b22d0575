// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpaceDelta: recording changes, opposite ones cancel out.
#include "core/free_space/free_space_delta.h"

#include <vector>

namespace butterfuse {

FreeSpaceDelta::Pieces::iterator FreeSpaceDelta::first_behind(uint64_t position) {
  auto it = pieces_.upper_bound(position);
  if (it != pieces_.begin() && std::prev(it)->second.end > position) --it;
  return it;
}

//   pieces          |----free----|        |----free----|
//   record used            |------------------|
//   cancelled              |-----|        |---|
//   fresh                        |--------|
//   pieces then     |-free-|     |--used--|   |--free--|
// A piece of the same state anywhere in the range means that a change came twice: nothing is recorded.
bool FreeSpaceDelta::record(ByteRange range, bool free) {
  const auto first = first_behind(range.start);
  for (auto it = first; it != pieces_.end() && it->first < range.end; ++it) {
    if (it->second.free == free) return false;
  }
  std::vector<ByteRange> fresh;
  uint64_t position = range.start;
  for (auto it = first; it != pieces_.end() && it->first < range.end;) {
    const ByteRange old{it->first, it->second.end};
    if (old.start > position) fresh.push_back({position, old.start});
    position = old.end;
    it = pieces_.erase(it);
    if (old.start < range.start) pieces_.emplace(old.start, Piece{range.start, !free});
    if (old.end > range.end) pieces_.emplace(range.end, Piece{old.end, !free});
  }
  if (position < range.end) fresh.push_back({position, range.end});
  for (const ByteRange& piece : fresh) insert_merged(piece, free);
  return true;
}

void FreeSpaceDelta::insert_merged(ByteRange range, bool free) {
  auto next = pieces_.lower_bound(range.start);
  if (next != pieces_.end() && next->first == range.end && next->second.free == free) {
    range.end = next->second.end;
    next = pieces_.erase(next);
  }
  if (next != pieces_.begin()) {
    auto prev = std::prev(next);
    if (prev->second.end == range.start && prev->second.free == free) {
      prev->second.end = range.end;
      return;
    }
  }
  pieces_.emplace(range.start, Piece{range.end, free});
}

}  // namespace butterfuse
