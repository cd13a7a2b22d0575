// copy_range: cuts a copy into edges and the middle that can be shared.
#include "fs/vfs/copy_range.h"

#include <optional>

#include "fs/vfs/attr.h"
#include "fs/vfs/file_extents.h"
#include "fs/vfs/names.h"
#include "fs/vfs/reflink.h"

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

Status write_all(FileData& data, uint64_t offset, ByteSpan bytes) {
  while (!bytes.empty()) {
    BF_ASSIGN(const size_t written, data.write(offset, {bytes}, {}));
    offset += written;
    bytes = bytes.subspan(written);
  }
  return {};
}

Status copy_bytes(const CopyRequest& request) {
  std::vector<std::byte> buffer;
  for (uint64_t done = 0; done < request.length; done += buffer.size()) {
    buffer.clear();
    const uint64_t bytes = std::min(kBytesPerRead, request.length - done);
    BF_TRY(
        request.from.data().read(request.from_offset + done, bytes, [&](const std::vector<ByteSpan>& pieces) {
          for (const ByteSpan piece : pieces) buffer.insert(buffer.end(), piece.begin(), piece.end());
        }));
    if (buffer.empty()) return {};
    BF_TRY(write_all(request.to.data(), request.to_offset + done, buffer));
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

Status make_long_enough(Mount& mount, const CopyRequest& request) {
  const uint64_t end = request.to_offset + request.length;
  return end > request.to.data().size() ? truncate(mount, request.to, end) : Status{};
}

Status share(Mount& mount, const CopyRequest& request) {
  const ByteRange source = ByteRange::at(request.from_offset, round_up(request.length, kSectorSize));
  BF_TRY(request.from.data().flush_to_share(source));
  BF_ASSIGN(const bool can_share, can_reflink(request));
  if (!can_share) return copy_bytes(request);
  const ByteRange target = ByteRange::at(request.to_offset, round_up(request.length, kSectorSize));
  BF_TRY(make_long_enough(mount, request));
  BF_TRY(request.from.data().flush_to_share(source));  // of one file, growth may have made its old end dirty
  BF_TRY(request.to.data().flush(target, true));       // what fails from here on loses nothing unwritten
  BF_TRY(request.to.data().zero_range_pages(target));
  BF_TRY(drop_extents(mount, request.to, target));  // in bounded steps, which reflink's are not
  BF_TRY(reflink(mount, request));
  FileData& data = request.to.data();
  data.set_disk_size(std::max(data.disk_size(), request.to_offset + request.length));
  return {};
}

Status copy(Mount& mount, const CopyRequest& request) {
  const ByteRange middle = shareable_part(request);
  if (middle.empty()) return copy_bytes(request);
  BF_TRY(copy_bytes(part_of(request, {0, middle.start})));
  BF_TRY(share(mount, part_of(request, middle)));
  return copy_bytes(part_of(request, {middle.end, request.length}));
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
  BF_TRY(copy(mount, request));
  note_modified(request.to);
  touch_atime(mount, request.from);
  return request.length;
}

}  // namespace butterfuse
