// Verified reading: big reads first, sector by sector only around what is bad.
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
    for (size_t at = begin; at < begin + length; at += kSectorSize)
      if (!readable || !good(at)) BF_TRY(recover(at));
    return {};
  }

  // One sector that the big read did not give: each copy in turn.
  Status recover(size_t at) {
    if (!origin_.nodatasum && !want_.present[at / kSectorSize])
      return make_error(EIO, "{}: no checksum in the csum tree", where(at));
    std::string reason = "no copy";
    std::vector<int> bad;
    for (int mirror : volume_.mirror_order(bytenr_ + at, !origin_.nodatasum)) {
      if (Status read = volume_.read(bytenr_ + at, sector(at), mirror); !read) {
        reason = fmt::format("copy {}: {}", mirror, read.error().message);
      } else if (good(at)) {
        if (!bad.empty()) repair(at, bad, reason);
        return {};
      } else {
        const CsumValue have = checksum(csum_type_, sector(at));
        reason = fmt::format("copy {}: {} {}, the csum tree wants {}", mirror, csum_name(csum_type_),
                             hex(ByteSpan(have).first(csum_size_)), hex(want(at)));
        ++csum_errors_;
        volume_.note_bad_copy(bytenr_ + at, mirror);
      }
      bad.push_back(mirror);
    }
    return make_error(EIO, "{}: {}", where(at), reason);
  }

  // The reader holds the extent, so the sector is still its own. Without a checksum nobody knows which copy
  // is the right one.
  void repair(size_t at, const std::vector<int>& bad, const std::string& reason) {
    bool all = !origin_.nodatasum;
    for (int mirror : bad)
      all = all && volume_.repair_copy(bytenr_ + at, sector(at), mirror, WriteKind::data);
    log(LogLevel::warning, "{}: {}; {}", where(at), reason,
        all ? "repaired from another copy" : "another copy is good");
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
