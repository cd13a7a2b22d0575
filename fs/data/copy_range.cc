// SPDX-License-Identifier: GPL-2.0-or-later
// copy_range: cuts a copy into edges and the middle that can be shared.
#include "fs/data/copy_range.h"

#include <optional>

#include "fs/attributes/attr.h"
#include "fs/data/file_extents.h"
#include "fs/data/reflink.h"
#include "fs/data/truncate.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

constexpr uint64_t kCopyMax = 1u << 30;  // of one call: an answer has 32 bits, and a signal may want through
constexpr uint64_t kBytesPerRead = 1u << 20;  // of what is copied byte by byte

// The data locks of two files in one order, or of one file once.
class DataLocks {
 public:
  DataLocks(Inode& a, Inode& b) {
    first_.emplace((a.key() < b.key() ? a : b).data_lock());
    if (a.key() != b.key()) second_.emplace((a.key() < b.key() ? b : a).data_lock());
  }

 private:
  std::optional<WriterLock> first_, second_;
};

Status check_request(Mount& mount, const CopyRequest& request) {
  BF_TRY(mount.check_writable(request.to));
  if (!request.from.is_regular() || !request.to.is_regular())
    return make_error(EINVAL, "copy between inodes {} and {}: no regular files", request.from.ino(),
                      request.to.ino());
  BF_TRY(check_not_immutable(request.to));
  BF_TRY(check_content_may_change(request.to));
  if (request.to_offset > kFileSizeMax || request.length > kFileSizeMax - request.to_offset)
    return make_error(EFBIG, "copy of {} bytes to {}", request.length, request.to_offset);
  const bool same = request.from.key() == request.to.key();
  if (same && ByteRange::at(request.from_offset, request.length)
                  .overlaps(ByteRange::at(request.to_offset, request.length)))
    return make_error(EINVAL, "copy of {} bytes from {} to {} of one file", request.length,
                      request.from_offset, request.to_offset);
  BF_TRY(request.from.load_properties());
  return request.to.load_properties();
}

CopyRequest part_of(const CopyRequest& request, ByteRange part) {
  return {request.from, request.from_offset + part.start, request.to, request.to_offset + part.start,
          part.length()};
}

// How far a copy came, and what stopped it.
struct Progress {
  uint64_t done = 0;
  Status status;
  bool goes_on(uint64_t wanted) const { return status && done == wanted; }
  // As write(2): what was done, and the error only if that is nothing.
  Result<uint64_t> answer() const {
    if (done > 0 || status) return done;
    return tl::unexpected(status.error());
  }
};

Status write_all(FileData& data, uint64_t offset, ByteSpan bytes, uint64_t& done) {
  while (!bytes.empty()) {
    BF_ASSIGN(const size_t written, data.write(offset, {bytes}, {}));
    done += written;
    offset += written;
    bytes = bytes.subspan(written);
  }
  return {};
}

Status copy_bytes(Mount&, const CopyRequest& request, uint64_t& done) {
  std::vector<std::byte> buffer;
  ReadaheadWindow readahead;
  while (done < request.length) {
    buffer.clear();
    const uint64_t bytes = std::min(kBytesPerRead, request.length - done);
    BF_TRY(request.from.data().read(request.from_offset + done, bytes, readahead,
                                    [&](const std::vector<ByteSpan>& pieces) {
                                      for (const ByteSpan piece : pieces)
                                        buffer.insert(buffer.end(), piece.begin(), piece.end());
                                    }));
    if (buffer.empty()) return {};
    BF_TRY(write_all(request.to.data(), request.to_offset + done, buffer, done));
  }
  return {};
}

// The part of [0, length) whose sectors may be shared: from the first sector border to the last, or to the
// end when that is the end of both files.
ByteRange shareable_part(const CopyRequest& request) {
  if (request.from_offset % kSectorSize != request.to_offset % kSectorSize) return {};
  const uint64_t head = round_up(request.from_offset, kSectorSize) - request.from_offset;
  const uint64_t source_end = request.from_offset + request.length;
  const uint64_t target_end = request.to_offset + request.length;
  const bool at_ends = source_end == request.from.data().size() && target_end >= request.to.data().size();
  const uint64_t tail = at_ends ? 0 : source_end % kSectorSize;
  if (head + tail >= request.length) return {};
  return {head, request.length - tail};
}

Status share(Mount& mount, const CopyRequest& request, uint64_t& done) {
  const ByteRange source = ByteRange::at(request.from_offset, round_up(request.length, kSectorSize));
  const ByteRange target = ByteRange::at(request.to_offset, round_up(request.length, kSectorSize));
  BF_TRY(request.from.data().flush_to_share(source));
  if (request.to_offset + request.length > request.to.data().size()) {
    BF_TRY(request.to.data().zero_old_end());
    BF_TRY(request.from.data().flush_to_share(source));  // of one file, its old end may be dirty now
  }
  // Asked when nothing is written to the source any more: a hole may have become an inline extent.
  BF_ASSIGN(const bool can_share, can_reflink(request));
  if (!can_share) return copy_bytes(mount, request, done);
  BF_TRY(request.to.data().flush(target, true));  // what fails from here on loses nothing unwritten
  return reflink(mount, request, done);
}

using CopyPart = Status (*)(Mount&, const CopyRequest&, uint64_t& done);

// Copies [0, length) part by part, until one does not come to its end.
Progress copy(Mount& mount, const CopyRequest& request) {
  const ByteRange middle = shareable_part(request);
  const std::pair<ByteRange, CopyPart> parts[] = {
      {{0, middle.start}, copy_bytes}, {middle, share}, {{middle.end, request.length}, copy_bytes}};
  Progress progress;
  for (const auto& [part, copy_part] : parts) {
    if (part.empty()) continue;
    uint64_t done = 0;
    progress.status = copy_part(mount, part_of(request, part), done);
    progress.done += done;
    if (!progress.goes_on(part.end)) break;
  }
  return progress;
}

}  // namespace

Result<uint64_t> copy_range(Mount& mount, const CopyRequest& asked, const Caller& caller) {
  CopyRequest request = asked;
  request.length = std::min(request.length, kCopyMax);
  BF_TRY(check_request(mount, request));
  BF_TRY(drop_privileges(mount, request.to, caller.kill_suidgid, caller.kill_sgid));
  DataLocks locks(request.from, request.to);
  const uint64_t size = request.from.data().size();
  if (request.from_offset >= size) return 0;
  request.length = std::min(request.length, size - request.from_offset);
  if (request.to_offset + request.length > request.to.data().size())
    BF_TRY(drop_behind_size(mount, request.to));
  const Progress progress = copy(mount, request);
  if (progress.done > 0) {
    note_modified(request.to);
    touch_atime(mount, request.from);
  }
  return progress.answer();
}

}  // namespace butterfuse
