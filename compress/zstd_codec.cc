// SPDX-License-Identifier: GPL-2.0-or-later
// zstd: one frame an extent, its window 128 KiB at most, as the extent; frames of others may announce more.
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "compress/codecs.h"
#include "core/base/le.h"

namespace butterfuse {
namespace {

// As the kernel's compress=zstd:LEVEL.
constexpr int kMinLevel = -15, kMaxLevel = 15, kDefaultLevel = 3;
constexpr int kWindowLogMax = 17;  // 128 KiB, the most that an extent has
constexpr size_t kExtentBytesMax = 128 << 10;

struct FreeCCtx {
  void operator()(ZSTD_CCtx* it) const { ZSTD_freeCCtx(it); }
};
struct FreeDCtx {
  void operator()(ZSTD_DCtx* it) const { ZSTD_freeDCtx(it); }
};

// Null when there is no memory. Kept for the life of the thread. ZSTD_compress2 knows the size of the
// input, so it picks the parameters libzstd has for inputs of up to 128 KiB: the level alone would cost a
// window of megabytes.
ZSTD_CCtx* thread_cctx(int level) {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeCCtx> context;
  if (!context) context.reset(ZSTD_createCCtx());
  if (!context) return nullptr;
  ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_only);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, kWindowLogMax);
  return context.get();
}

ZSTD_DCtx* thread_dctx() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeDCtx> context;
  if (!context) {
    context.reset(ZSTD_createDCtx());
    if (context) ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  } else {
    ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  }
  return context.get();
}

// libzstd would also try the frame formats of its youth, which no btrfs ever wrote.
bool has_frame_magic(ByteSpan in) { return in.size() >= 4 && load<le32>(in) == ZSTD_MAGICNUMBER; }

// A frame that was written as a stream has a window for more than it holds. Decoded in one go it needs none,
// but room for all of the content.
Status decompress_at_once(ZSTD_DCtx* context, ByteSpan in, MutableByteSpan out) {
  const size_t frame_bytes = ZSTD_findFrameCompressedSize(in.data(), in.size());
  if (ZSTD_isError(frame_bytes))
    return make_error(EIO, "zstd: no whole frame in {} bytes: {}", in.size(), ZSTD_getErrorName(frame_bytes));
  std::vector<std::byte> scratch(out.size() < kExtentBytesMax ? kExtentBytesMax : 0);
  const MutableByteSpan room = scratch.empty() ? out : MutableByteSpan(scratch);
  const size_t size = ZSTD_decompressDCtx(context, room.data(), room.size(), in.data(), frame_bytes);
  if (ZSTD_isError(size))
    return make_error(EIO, "zstd: broken frame of {} bytes: {}", frame_bytes, ZSTD_getErrorName(size));
  if (!scratch.empty()) std::copy_n(scratch.begin(), std::min(size, out.size()), out.begin());
  zero_tail(out, std::min(size, out.size()));
  return {};
}

class ZstdCodec final : public Codec {
 public:
  uint8_t type() const override { return kZstdType; }
  std::string_view name() const override { return "zstd"; }
  int default_level() const override { return kDefaultLevel; }
  int clamp_level(int level) const override {
    return level == 0 ? kDefaultLevel : std::clamp(level, kMinLevel, kMaxLevel);
  }

  Result<std::optional<size_t>> compress(ByteSpan in, MutableByteSpan out, int level) const override {
    ZSTD_CCtx* context = thread_cctx(clamp_level(level));
    if (context == nullptr) return make_error(ENOMEM, "zstd: no memory for a compressor");
    const size_t size = ZSTD_compress2(context, out.data(), out.size(), in.data(), in.size());
    if (!ZSTD_isError(size)) return std::optional<size_t>{size};
    if (ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall) return std::optional<size_t>{};
    return make_error(EIO, "zstd: cannot compress {} bytes: {}", in.size(), ZSTD_getErrorName(size));
  }

  // The streaming call decodes a whole frame at once when it fits, and otherwise goes on until `out` is full.
  Status decompress(ByteSpan in, MutableByteSpan out) const override {
    if (out.empty()) return {};
    if (!has_frame_magic(in)) return make_error(EIO, "zstd: no frame in {} bytes", in.size());
    ZSTD_DCtx* context = thread_dctx();
    if (context == nullptr) return make_error(ENOMEM, "zstd: no memory for a decompressor");
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos < output.size) {
      const size_t before = input.pos + output.pos;
      const size_t code = ZSTD_decompressStream(context, &output, &input);
      if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
        return decompress_at_once(thread_dctx(), in, out);
      if (ZSTD_isError(code))
        return make_error(EIO, "zstd: broken stream after {} of {} bytes in, {} of {} out: {}", input.pos,
                          input.size, output.pos, output.size, ZSTD_getErrorName(code));
      if (code == 0) break;  // the frame is complete
      if (input.pos + output.pos == before)
        return make_error(EIO, "zstd: stream of {} bytes ends in the middle, {} of {} out", input.size,
                          output.pos, output.size);
    }
    zero_tail(out, output.pos);
    return {};
  }
};

}  // namespace

const Codec& zstd_codec() {
  static const ZstdCodec codec;
  return codec;
}

}  // namespace butterfuse
