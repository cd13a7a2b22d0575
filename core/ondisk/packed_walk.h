// SPDX-License-Identifier: GPL-2.0-or-later
// PackedWalk: the one way through an item whose entries lie packed, one behind the other.
#pragma once

#include <cerrno>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace butterfuse {

// Where an entry lies in its item; the walk fills it in.
struct PackedEntry {
  uint32_t offset = 0;
  uint32_t size = 0;
};

// The head of an entry says how long the whole of it is:
//
//     item:  [ head name ][ head name value ][ head na      the last one here is cut short
//
//     NameEntries entries(item);
//     while (entries.next()) use(entries.entry());
//     BF_TRY(entries.finish("directory entry"));
//
// The bytes need not be trusted, whatever they are: only whole entries are given, each moves the walk on, and
// nothing behind the item is read. The walk ends at the end of the item, or at the first entry that is cut
// short or of an unknown kind: then stuck() is true, and finish() says so. An item without a byte is a walk
// of no entries, and whole; whether it may be empty, and what an entry may say, is for tree_checker to judge.
//
// `Entry` is a PackedEntry with a `size_t read(ByteSpan rest)`, which fills in the rest from the bytes at the
// front, and returns how many the whole entry takes: more than there are if it is cut short (what it needs to
// know more, at least), 0 if it is of no known kind. Views in an entry point into the item.
template <class Entry>
class PackedWalk {
 public:
  // `blank`: an entry with what read() must know beforehand.
  explicit PackedWalk(ByteSpan item, const Entry& blank = {}) : item_(item), entry_(blank) {}

  // On to the next entry. False at the end, or when stuck; again and again then.
  bool next() {
    at_ += entry_.size;
    entry_.size = 0;
    if (at_ == item_.size()) return false;
    const ByteSpan rest = item_.subspan(at_);
    wanted_ = entry_.read(rest);
    if (wanted_ == 0 || wanted_ > rest.size()) return false;
    entry_.offset = static_cast<uint32_t>(at_);
    entry_.size = static_cast<uint32_t>(wanted_);
    return true;
  }
  // REQUIRES that next() has just returned true. (When stuck: what read() could tell, as an unknown type.)
  const Entry& entry() const { return entry_; }

  // Of all below: REQUIRES that next() has returned false.
  bool stuck() const { return at_ < item_.size(); }
  bool unknown_kind() const { return stuck() && wanted_ == 0; }
  size_t left_bytes() const { return item_.size() - at_; }  // from where it is stuck
  size_t wanted_bytes() const { return wanted_; }           // that the entry there would take, at least
  // EUCLEAN when it is stuck; `what` is an entry, as "directory entry".
  Status finish(const char* what) const {
    if (!stuck()) return {};
    if (unknown_kind())
      return make_error(EUCLEAN, "{} at {} of {} bytes is of an unknown kind", what, at_, item_.size());
    return make_error(EUCLEAN, "{} at {} takes {} bytes or more, but its item ends after {}", what, at_,
                      wanted_, left_bytes());
  }

 private:
  ByteSpan item_;
  Entry entry_;
  size_t at_ = 0;  // where the entry begins that next() came to
  size_t wanted_ = 0;
};

}  // namespace butterfuse
