// SPDX-License-Identifier: GPL-2.0-or-later
// zlib: RFC 1950 streams, made and read whole-buffer by libdeflate; zlib's inflate takes the odd ones.
// libdeflate is the faster one, and wants room for all of the output: an extent of which only the beginning
// is wanted, and a stream that is odd, are left to inflate, which also has the last word on what is broken.
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "compress/codecs.h"

namespace butterfuse {
namespace {

// As the kernel's compress=zlib:LEVEL.
constexpr int kMinLevel = 1, kMaxLevel = 9, kDefaultLevel = 3;

struct FreeCompressor {
  void operator()(libdeflate_compressor* it) const { libdeflate_free_compressor(it); }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* it) const { libdeflate_free_decompressor(it); }
};

// Null when there is no memory. Kept for the life of the thread: making one costs more than a small file.
libdeflate_compressor* thread_compressor(int level) {
  thread_local std::array<std::unique_ptr<libdeflate_compressor, FreeCompressor>, kMaxLevel + 1> by_level;
  auto& slot = by_level[static_cast<size_t>(level)];
  if (!slot) slot.reset(libdeflate_alloc_compressor(level));
  return slot.get();
}

libdeflate_decompressor* thread_decompressor() {
  thread_local std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor;
  if (!decompressor) decompressor.reset(libdeflate_alloc_decompressor());
  return decompressor.get();
}

// An inflate state for one stream, freed on every exit.
class InflateStream {
 public:
  InflateStream() : ready_(inflateInit(&stream_) == Z_OK) {}
  ~InflateStream() {
    if (ready_) inflateEnd(&stream_);
  }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;
  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ready_;
};

Bytef* zlib_bytes(const std::byte* bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes));  // zlib only reads next_in
}

// Stops as soon as `out` is full: the way to read the beginning of a longer stream.
Status inflate_into(ByteSpan in, MutableByteSpan out) {
  InflateStream inflater;
  if (!inflater.ready()) return make_error(ENOMEM, "zlib: no memory for an inflate state");
  z_stream& stream = inflater.stream();
  stream.next_in = zlib_bytes(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = zlib_bytes(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = inflate(&stream, Z_SYNC_FLUSH);
  const bool out_is_full = stream.avail_out == 0 && (code == Z_OK || code == Z_BUF_ERROR);
  if (code != Z_STREAM_END && !out_is_full)
    return make_error(EIO, "zlib: broken stream, inflate says {} after {} of {} bytes in, {} of {} out", code,
                      stream.total_in, in.size(), stream.total_out, out.size());
  zero_tail(out, stream.total_out);
  return {};
}

class ZlibCodec final : public Codec {
 public:
  uint8_t type() const override { return kZlibType; }
  std::string_view name() const override { return "zlib"; }
  int default_level() const override { return kDefaultLevel; }
  int clamp_level(int level) const override {
    return level == 0 ? kDefaultLevel : std::clamp(level, kMinLevel, kMaxLevel);
  }

  Result<std::optional<size_t>> compress(ByteSpan in, MutableByteSpan out, int level) const override {
    libdeflate_compressor* compressor = thread_compressor(clamp_level(level));
    if (compressor == nullptr) return make_error(ENOMEM, "zlib: no memory for a compressor");
    const size_t size = libdeflate_zlib_compress(compressor, in.data(), in.size(), out.data(), out.size());
    return size == 0 ? std::optional<size_t>{} : std::optional<size_t>{size};
  }

  Status decompress(ByteSpan in, MutableByteSpan out) const override {
    if (out.empty()) return {};
    libdeflate_decompressor* decompressor = thread_decompressor();
    if (decompressor == nullptr) return make_error(ENOMEM, "zlib: no memory for a decompressor");
    size_t consumed = 0, produced = 0;
    const auto code = libdeflate_zlib_decompress_ex(decompressor, in.data(), in.size(), out.data(),
                                                    out.size(), &consumed, &produced);
    if (code != LIBDEFLATE_SUCCESS) return inflate_into(in, out);
    zero_tail(out, produced);
    return {};
  }
};

}  // namespace

const Codec& zlib_codec() {
  static const ZlibCodec codec;
  return codec;
}

}  // namespace butterfuse
