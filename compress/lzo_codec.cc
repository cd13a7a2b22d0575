// SPDX-License-Identifier: GPL-2.0-or-later
// lzo: 4 KiB segments of lzo1x, each behind a length, behind one total length. btrfs's own framing.
//
//   stream:  le32 total bytes (this field included), segment*
//   segment: le32 bytes, lzo1x data of up to one sector of file data
//
// A length never crosses a sector boundary of the stream: the 1 to 3 bytes before the boundary are zeros.
#include <lzo/lzo1x.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "compress/codecs.h"
#include "core/base/le.h"

namespace butterfuse {
namespace {

constexpr size_t kLengthBytes = sizeof(le32);
// The format's: a sector. File systems with others are not mounted.
constexpr size_t kSectorBytes = 4096;
constexpr size_t kSegmentBytes = kSectorBytes;  // of file data
// The library's own bound for what does not compress.
constexpr size_t worst_compressed(size_t bytes) { return bytes + bytes / 16 + 64 + 3; }

const unsigned char* lzo_bytes(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* lzo_bytes(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

// Where the next length may stand when the stream has reached `position`.
size_t next_length_position(size_t position) {
  const size_t left_in_sector = kSectorBytes - position % kSectorBytes;
  return left_in_sector < kLengthBytes ? position + left_in_sector : position;
}

// Per-thread memory of the compressor: its hash table and one segment in the worst case.
struct Workspace {
  alignas(16) std::array<unsigned char, LZO1X_1_MEM_COMPRESS> table;
  std::array<std::byte, worst_compressed(kSegmentBytes)> segment;
};

Workspace& thread_workspace() {
  thread_local auto workspace = std::make_unique<Workspace>();
  return *workspace;
}

class LzoCodec final : public Codec {
 public:
  LzoCodec() { lzo_is_usable_ = lzo_init() == LZO_E_OK; }
  uint8_t type() const override { return kLzoType; }
  std::string_view name() const override { return "lzo"; }
  int default_level() const override { return 0; }
  int clamp_level(int) const override { return 0; }

  Result<std::optional<size_t>> compress(ByteSpan in, MutableByteSpan out, int) const override {
    if (!lzo_is_usable_) return make_error(EIO, "lzo: the library does not fit its headers");
    size_t position = kLengthBytes;
    for (size_t done = 0; done < in.size(); done += kSegmentBytes) {
      const ByteSpan segment = in.subspan(done, std::min(kSegmentBytes, in.size() - done));
      BF_ASSIGN(std::optional<size_t> end, append_segment(segment, out, position));
      if (!end) return std::optional<size_t>{};
      position = *end;
    }
    if (position > out.size()) return std::optional<size_t>{};
    store(out, le32(static_cast<uint32_t>(position)));
    return std::optional<size_t>{position};
  }

  Status decompress(ByteSpan in, MutableByteSpan out) const override {
    if (!lzo_is_usable_) return make_error(EIO, "lzo: the library does not fit its headers");
    if (in.size() < kLengthBytes) return make_error(EIO, "lzo: no total length in {} bytes", in.size());
    const size_t total = load<le32>(in);
    if (total < kLengthBytes || total > in.size())
      return make_error(EIO, "lzo: broken stream, total length {} in {} bytes", total, in.size());
    const ByteSpan stream = in.first(total);
    size_t position = kLengthBytes, produced = 0;
    while (produced < out.size()) {
      position = next_length_position(position);
      if (position >= total) break;
      BF_ASSIGN(const ByteSpan segment, segment_at(stream, position));
      BF_ASSIGN(const size_t bytes, expand_segment(segment, out.subspan(produced)));
      position += kLengthBytes + segment.size();
      produced += bytes;
    }
    zero_tail(out, produced);
    return {};
  }

 private:
  // End of the stream after the segment, or nothing when it does not fit.
  static Result<std::optional<size_t>> append_segment(ByteSpan segment, MutableByteSpan out,
                                                      size_t position) {
    Workspace& workspace = thread_workspace();
    lzo_uint size = workspace.segment.size();
    const int code = lzo1x_1_compress(lzo_bytes(segment.data()), segment.size(),
                                      lzo_bytes(workspace.segment.data()), &size, workspace.table.data());
    if (code != LZO_E_OK) return make_error(EIO, "lzo: cannot compress {} bytes: {}", segment.size(), code);
    const size_t length_position = next_length_position(position);
    const size_t end = length_position + kLengthBytes + size;
    if (end > out.size()) return std::optional<size_t>{};
    std::ranges::fill(out.subspan(position, length_position - position), std::byte{0});
    store(out.subspan(length_position), le32(static_cast<uint32_t>(size)));
    std::copy_n(workspace.segment.begin(), size,
                out.begin() + static_cast<ptrdiff_t>(length_position + kLengthBytes));
    return std::optional<size_t>{end};
  }

  static Result<ByteSpan> segment_at(ByteSpan stream, size_t position) {
    if (stream.size() - position < kLengthBytes)
      return make_error(EIO, "lzo: broken stream, no segment length at {} of {}", position, stream.size());
    const size_t length = load<le32>(stream.subspan(position));
    const size_t left = stream.size() - position - kLengthBytes;
    if (length == 0 || length > left || length > worst_compressed(kSegmentBytes))
      return make_error(EIO, "lzo: broken stream, segment of {} bytes at {} of {}", length, position,
                        stream.size());
    return stream.subspan(position + kLengthBytes, length);
  }

  // Bytes put into `out`. A segment holds one sector of file data at most.
  static Result<size_t> expand_segment(ByteSpan segment, MutableByteSpan out) {
    const bool direct = out.size() >= kSegmentBytes;
    std::array<std::byte, kSegmentBytes> bounce;
    std::byte* target = direct ? out.data() : bounce.data();
    lzo_uint size = kSegmentBytes;
    const int code =
        lzo1x_decompress_safe(lzo_bytes(segment.data()), segment.size(), lzo_bytes(target), &size, nullptr);
    if (code != LZO_E_OK) return make_error(EIO, "lzo: broken segment of {} bytes: {}", segment.size(), code);
    if (size == 0) return make_error(EIO, "lzo: empty segment of {} bytes", segment.size());
    const size_t bytes = std::min<size_t>(size, out.size());
    if (!direct) std::copy_n(bounce.begin(), bytes, out.begin());
    return bytes;
  }

  bool lzo_is_usable_ = false;
};

}  // namespace

const Codec& lzo_codec() {
  static const LzoCodec codec;
  return codec;
}

}  // namespace butterfuse
