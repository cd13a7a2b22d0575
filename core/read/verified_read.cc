// SPDX-License-Identifier: GPL-2.0-or-later
// Verified reading: big reads first, sector by sector only around what is bad.
//
//     read_best of the whole piece ─> all sectors right? ─ yes ─> done
//                                           └ no, or unreadable ─> each such sector from each copy in turn
//                                                                  ─> bad copies are written over
//
// The checksums of all sectors are looked up before the first byte is read, in one descent. Which copy is
// asked first the volume decides; reading single sectors only where something is wrong keeps a good disk at
// big reads, and loses no more of a bad one than it must: two copies that are bad at different places still
// make a whole file.
#include "core/read/verified_read.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/csum/csum_tree.h"

namespace butterfuse {
namespace {

std::string hex(ByteSpan bytes) {
  std::string text;
  for (std::byte byte : bytes)
    fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

class VerifiedRead {
 public:
  VerifiedRead(Filesystem& filesystem, const ReadOrigin& origin, uint64_t bytenr, MutableByteSpan into,
               std::atomic<uint64_t>& csum_errors)
      : filesystem_(filesystem),
        volume_(filesystem.volume()),
        origin_(origin),
        bytenr_(bytenr),
        into_(into),
        csum_errors_(csum_errors),
        csum_type_(volume_.csum_type()),
        csum_size_(filesystem.csum_size_bytes()) {}

  Status run() {
    if (!origin_.nodatasum) {
      BF_ASSIGN(want_, lookup_csums(filesystem_.csum_tree(), ByteRange::at(bytenr_, into_.size()),
                                    kSectorSize, csum_size_));
    }
    // A chunk is where one volume read must end.
    for (size_t done = 0; done < into_.size();) {
      const auto chunk = volume_.chunk_at(bytenr_ + done);
      if (!chunk) return make_error(EUCLEAN, "{}: no chunk maps it", where(done));
      const uint64_t left = chunk->start + chunk->length - (bytenr_ + done);
      const size_t length = std::min<uint64_t>(left, into_.size() - done);
      if (length % kSectorSize != 0)
        return make_error(EUCLEAN, "{}: the chunk ends inside a sector", where(done));
      BF_TRY(read_piece(done, length));
      done += length;
    }
    return {};
  }

 private:
  // `at` counts from bytenr_, everywhere.
  std::string where(size_t at) const {
    return fmt::format("root {} inode {} offset {} bytenr {}", origin_.root_id, origin_.ino,
                       origin_.file_offset + at, bytenr_ + at);
  }
  MutableByteSpan sector(size_t at) const { return into_.subspan(at, kSectorSize); }
  ByteSpan want(size_t at) const {
    return ByteSpan(want_.csums).subspan(at / kSectorSize * csum_size_, csum_size_);
  }

  bool good(size_t at) const {
    if (origin_.nodatasum) return true;
    if (!want_.present[at / kSectorSize]) return false;
    if (csum_type_ == CsumType::crc32c) return load<le32>(want(at)) == crc32c(sector(at));
    const CsumValue have = checksum(csum_type_, sector(at));
    return std::memcmp(have.data(), want(at).data(), csum_size_) == 0;
  }

  Status read_piece(size_t begin, size_t length) {
    const bool readable =
        volume_.read_best(bytenr_ + begin, into_.subspan(begin, length), !origin_.nodatasum).has_value();
    Status first;
    for (size_t at = begin; first && at < begin + length; at += kSectorSize)
      if (!readable || !good(at)) first = recover(at);
    repair_bad_copies();
    return first;
  }

  // One sector that the big read did not give: each copy in turn.
  Status recover(size_t at) {
    if (!origin_.nodatasum && !want_.present[at / kSectorSize])
      return make_error(EIO, "{}: no checksum in the csum tree", where(at));
    // Of the last copy that was tried: it is what the message tells.
    std::string reason = "no copy";
    bool unread = false;
    std::vector<int> bad;
    for (int mirror : volume_.mirror_order(bytenr_ + at, !origin_.nodatasum)) {
      if (Status read = volume_.read(bytenr_ + at, sector(at), mirror); !read) {
        reason = fmt::format("copy {}: {}", mirror, read.error().message);
        unread = true;
      } else if (good(at)) {
        for (int other : bad) bad_copies_.push_back({other, at, reason, unread});
        return {};
      } else {
        const CsumValue have = checksum(csum_type_, sector(at));
        reason = fmt::format("copy {}: {} {}, the csum tree wants {}", mirror, csum_name(csum_type_),
                             hex(ByteSpan(have).first(csum_size_)), hex(want(at)));
        unread = false;
        ++csum_errors_;
        volume_.note_bad_copy(bytenr_ + at, mirror);
      }
      bad.push_back(mirror);
    }
    return make_error(EIO, "{}: {}", where(at), reason);
  }

  struct BadCopy {
    int mirror;
    size_t at;
    std::string reason;
    bool unread;  // the device's error was told already
  };

  // Neighbouring sectors of one copy at once. The caller keeps the extent from being freed, so they are still
  // the file's. Without a checksum nobody knows which copy is the right one.
  void repair_bad_copies() {
    std::stable_sort(bad_copies_.begin(), bad_copies_.end(),
                     [](const BadCopy& a, const BadCopy& b) { return a.mirror < b.mirror; });
    for (size_t first = 0, next; first < bad_copies_.size(); first = next) {
      const BadCopy& bad = bad_copies_[first];
      size_t end = bad.at + kSectorSize;
      for (next = first + 1; next < bad_copies_.size(); ++next, end += kSectorSize)
        if (bad_copies_[next].mirror != bad.mirror || bad_copies_[next].at != end) break;
      const bool repaired =
          !origin_.nodatasum && volume_.repair_copy(bytenr_ + bad.at, into_.subspan(bad.at, end - bad.at),
                                                    bad.mirror, WriteKind::data);
      if (!bad.unread)
        log(LogLevel::warning, "{}: {}; {} bytes {}", where(bad.at), bad.reason, end - bad.at,
            repaired ? "repaired from another copy" : "read from another copy");
    }
    bad_copies_.clear();
  }

  Filesystem& filesystem_;
  Volume& volume_;
  const ReadOrigin& origin_;
  const uint64_t bytenr_;
  const MutableByteSpan into_;
  std::atomic<uint64_t>& csum_errors_;
  const CsumType csum_type_;
  const uint32_t csum_size_;
  CsumRange want_;
  std::vector<BadCopy> bad_copies_;
};

}  // namespace

Status read_verified(Filesystem& filesystem, const ReadOrigin& origin, uint64_t bytenr, MutableByteSpan into,
                     std::atomic<uint64_t>& csum_errors) {
  BF_ASSERT(into.size() % kSectorSize == 0, "read of {} bytes", into.size());
  if (bytenr % kSectorSize != 0 || bytenr + into.size() < bytenr)
    return make_error(EUCLEAN, "root {} inode {} offset {}: extent at bytenr {}+{}", origin.root_id,
                      origin.ino, origin.file_offset, bytenr, into.size());
  return VerifiedRead(filesystem, origin, bytenr, into, csum_errors).run();
}

}  // namespace butterfuse
