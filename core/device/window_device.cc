// SPDX-License-Identifier: GPL-2.0-or-later
// WindowDevice: bounds, then the base with the offset added.
// The base checks its own end only: what reaches over the window's is kept here from a neighbour's partition.
#include "core/device/window_device.h"

#include <cerrno>

#include "core/device/partition_table.h"

namespace butterfuse {

Status WindowDevice::check_range(const char* what, uint64_t offset, uint64_t length) const {
  if (inside(offset, length)) return {};
  return make_error(EIO, "{}: {} of {} bytes at {} is outside of the window of {} bytes", path(), what,
                    length, offset, bytes_);
}

Status WindowDevice::read(uint64_t offset, MutableByteSpan into) {
  BF_TRY(check_range("read", offset, into.size()));
  return base_->read(offset_ + offset, into);
}

Status WindowDevice::write(uint64_t offset, ByteSpan from, WriteKind kind) {
  BF_TRY(check_range("write", offset, from.size()));
  return base_->write(offset_ + offset, from, kind);
}

Status WindowDevice::write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) {
  uint64_t length = 0;
  for (ByteSpan piece : pieces) length += piece.size();
  BF_TRY(check_range("write", offset, length));
  return base_->write_gather(offset_ + offset, pieces, kind);
}

void WindowDevice::start_writeback(uint64_t offset, uint64_t length) {
  if (inside(offset, length)) base_->start_writeback(offset_ + offset, length);
}

void WindowDevice::discard(uint64_t offset, uint64_t length) {
  if (inside(offset, length)) base_->discard(offset_ + offset, length);
}

Result<std::unique_ptr<BlockDevice>> open_window(const std::string& path, OpenOptions options,
                                                 const DeviceWindow& window) {
  if (window.whole()) return open_file_device(path, options);
  DeviceWindow place = window;
  if (window.partition != 0) {
    if (window.offset != 0 || window.bytes != 0)
      return make_error(EINVAL, "{}: a partition and an offset or size limit exclude each other", path);
    BF_ASSIGN(const Partition partition, find_partition(path, window.partition));
    place.offset = partition.offset;
    place.bytes = partition.bytes;
  }
  options.lock_offset = place.offset;
  options.lock_bytes = place.bytes;
  BF_ASSIGN(auto base, open_file_device(path, options));
  const uint64_t size = base->size_bytes();
  if (place.offset >= size || place.bytes > size - place.offset)
    return make_error(EINVAL, "{}: {} bytes at offset {} are not inside of its {} bytes", path, place.bytes,
                      place.offset, size);
  const uint64_t bytes = place.bytes != 0 ? place.bytes : size - place.offset;
  return std::make_unique<WindowDevice>(std::move(base), place.offset, bytes);
}

}  // namespace butterfuse
