// SPDX-License-Identifier: GPL-2.0-or-later
// Codecs: what goes in comes out, framing rules hold, and broken streams hurt nobody.
#include "compress/codec.h"

#include <zstd.h>

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "core/base/le.h"

namespace butterfuse::codec_test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes random_bytes(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

Bytes text_bytes(size_t size, unsigned seed) {
  static const std::string words[] = {"extent ",  "leaf ", "node ", "block group ",
                                      "stripe\n", "0x",    "17 ",   "key"};
  std::mt19937 random(seed);
  Bytes bytes;
  while (bytes.size() < size) {
    const std::string& word = words[random() % std::size(words)];
    const ByteSpan span = as_bytes(word);
    bytes.insert(bytes.end(), span.begin(), span.end());
  }
  bytes.resize(size);
  return bytes;
}

// Half noise and half text in pieces of 512: segments of every size.
Bytes mixed_bytes(size_t size, unsigned seed) {
  Bytes bytes = text_bytes(size, seed);
  const Bytes noise = random_bytes(size, seed);
  for (size_t at = 0; at + 512 <= size; at += 1024)
    std::copy_n(noise.begin() + static_cast<long>(at), 512, bytes.begin() + static_cast<long>(at));
  return bytes;
}

// Bytes to write into, between others that are to stay as they are.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t size) : bytes_(size + 2 * kGuardBytes, kGuard) {}
  MutableByteSpan span() {
    return MutableByteSpan(bytes_).subspan(kGuardBytes, bytes_.size() - 2 * kGuardBytes);
  }
  bool is_intact() const {
    const auto is_guard = [](std::byte byte) { return byte == kGuard; };
    return std::all_of(bytes_.begin(), bytes_.begin() + kGuardBytes, is_guard) &&
           std::all_of(bytes_.end() - kGuardBytes, bytes_.end(), is_guard);
  }

 private:
  static constexpr size_t kGuardBytes = 64;
  static constexpr std::byte kGuard{0xA7};
  Bytes bytes_;
};

// The stream, as long as it is, or nothing.
std::optional<Bytes> compressed(const Codec& codec, const Bytes& in, int level, size_t room) {
  Bytes out(room);
  auto size = codec.compress(in, out, level);
  REQUIRE(size.has_value());
  if (!*size) return std::nullopt;
  REQUIRE(**size <= room);
  out.resize(**size);
  return out;
}

Bytes decompressed(const Codec& codec, const Bytes& in, size_t size) {
  Bytes out(size, std::byte{0xEE});
  const Status status = codec.decompress(in, out);
  if (!status) FAIL(status.error().message);
  return out;
}

std::vector<int> levels_of(const Codec& codec) {
  std::vector<int> levels;
  for (int level = -15; level <= 15; ++level)
    if (codec.clamp_level(level) == level || level == 0) levels.push_back(level);
  return levels;
}

}  // namespace

TEST_CASE("the registry knows each codec by its type on disk and by its name") {
  CHECK(codec_by_type(0)->name() == "none");
  CHECK(codec_by_type(1) == codec_by_name("zlib"));
  CHECK(codec_by_type(2) == codec_by_name("lzo"));
  CHECK(codec_by_type(3) == codec_by_name("zstd"));
  CHECK(codec_by_type(4) == nullptr);
  CHECK(codec_by_type(255) == nullptr);
  CHECK(codec_by_name("gzip") == nullptr);
  CHECK(all_codecs().size() == 3);
}

TEST_CASE("levels are clamped to what btrfs accepts and 0 is the default") {
  CHECK(codec_by_name("zlib")->clamp_level(0) == 3);
  CHECK(codec_by_name("zlib")->clamp_level(-4) == 1);
  CHECK(codec_by_name("zlib")->clamp_level(10) == 9);
  CHECK(codec_by_name("zstd")->clamp_level(0) == 3);
  CHECK(codec_by_name("zstd")->clamp_level(19) == 15);
  CHECK(codec_by_name("zstd")->clamp_level(-99) == -15);
  CHECK(codec_by_name("lzo")->clamp_level(7) == 0);
}

TEST_CASE("every codec gives back what it was given at every size and level") {
  for (const Codec* codec : all_codecs())
    for (int level : levels_of(*codec))
      for (size_t size : {1, 13, 100, 2048, 4095, 4096, 4097, 12288, 65536, 131071, 131072}) {
        if (size > 65536 && level != 0 && level % 3 != 0) continue;
        INFO(codec->name() << " level " << level << " size " << size);
        for (const Bytes& in :
             {text_bytes(size, 1), mixed_bytes(size, 2), random_bytes(size, 3), Bytes(size)}) {
          const auto stream = compressed(*codec, in, level, 2 * size + 1024);
          REQUIRE(stream);
          CHECK(decompressed(*codec, *stream, size) == in);
        }
      }
}

TEST_CASE("a result that does not fit is no error and writes nothing behind the room it has") {
  for (const Codec* codec : all_codecs()) {
    INFO(codec->name());
    CHECK_FALSE(compressed(*codec, random_bytes(131072, 4), 0, 131072 - 4096));
    const Bytes in = text_bytes(40000, 5);
    const size_t size = compressed(*codec, in, 0, 100000)->size();
    for (size_t room : {size_t{0}, size_t{1}, size_t{3}, size_t{8}, size / 2, size - 1})
      CHECK_FALSE(compressed(*codec, in, 0, room));
  }
}

TEST_CASE("padding behind the stream is not looked at") {
  for (const Codec* codec : all_codecs())
    for (size_t size : {500, 4096, 100000}) {
      INFO(codec->name() << " " << size);
      const Bytes in = mixed_bytes(size, 6);
      Bytes stream = *compressed(*codec, in, 0, 2 * size);
      stream.resize((stream.size() / 4096 + 1) * 4096);
      CHECK(decompressed(*codec, stream, size) == in);
      stream.insert(stream.end(), 4096, std::byte{0xA5});
      CHECK(decompressed(*codec, stream, size) == in);
    }
}

TEST_CASE("the beginning of an extent can be read without the rest") {
  for (const Codec* codec : all_codecs()) {
    const Bytes in = mixed_bytes(131072, 7);
    const Bytes stream = *compressed(*codec, in, 0, 200000);
    for (size_t wanted : {1, 100, 4095, 4096, 4097, 70000, 131071}) {
      INFO(codec->name() << " " << wanted);
      CHECK(decompressed(*codec, stream, wanted) ==
            Bytes(in.begin(), in.begin() + static_cast<long>(wanted)));
    }
    CHECK(codec->decompress(stream, {}));
  }
}

TEST_CASE("a stream that ends early leaves zeros behind it") {
  for (const Codec* codec : all_codecs()) {
    INFO(codec->name());
    Bytes in = text_bytes(5000, 8);
    const Bytes stream = *compressed(*codec, in, 0, 10000);
    in.resize(9000);
    CHECK(decompressed(*codec, stream, 9000) == in);
  }
}

TEST_CASE("a stream cut short is an error") {
  for (const Codec* codec : all_codecs()) {
    const Bytes in = mixed_bytes(50000, 9);
    const Bytes stream = *compressed(*codec, in, 0, 60000);
    for (size_t left :
         {size_t{0}, size_t{1}, size_t{3}, size_t{4}, size_t{5}, stream.size() / 2, stream.size() - 50}) {
      INFO(codec->name() << " " << left);
      Bytes out(in.size());
      const Status status = codec->decompress(ByteSpan(stream).first(left), out);
      REQUIRE_FALSE(status);
      CHECK(status.error().code == EIO);
    }
  }
}

TEST_CASE("an lzo length never crosses a sector boundary of the stream") {
  const Codec& lzo = *codec_by_name("lzo");
  size_t paddings = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Bytes stream = *compressed(lzo, mixed_bytes(131072, seed), 0, 200000);
    REQUIRE(load<le32>(stream) == stream.size());
    size_t position = 4;
    while (position < stream.size()) {
      if (const size_t left = 4096 - position % 4096; left < 4) {
        for (size_t i = 0; i < left; ++i) CHECK(stream[position + i] == std::byte{0});
        position += left, ++paddings;
      }
      position += 4 + load<le32>(ByteSpan(stream).subspan(position));
    }
    REQUIRE(position == stream.size());
  }
  CHECK(paddings > 0);
}

TEST_CASE("an lzo segment that expands to more than a sector is refused") {
  const Codec& lzo = *codec_by_name("lzo");
  // 2 literals, then a match that runs on for 40 x 255 bytes: far above one sector.
  Bytes segment{std::byte{17 + 4}, std::byte{'a'}, std::byte{'b'},
                std::byte{'c'},    std::byte{'d'}, std::byte{32}};
  segment.insert(segment.end(), 40, std::byte{0});
  for (int byte : {1, 0, 0, 17, 0, 0}) segment.push_back(static_cast<std::byte>(byte));
  Bytes stream(8);
  store(stream, le32(static_cast<uint32_t>(8 + segment.size())));
  store(MutableByteSpan(stream).subspan(4), le32(static_cast<uint32_t>(segment.size())));
  stream.insert(stream.end(), segment.begin(), segment.end());
  Bytes out(131072);
  CHECK_FALSE(lzo.decompress(stream, out));
}

TEST_CASE("zstd frames never ask a reader for more than 128 KiB of window") {
  const Codec& zstd = *codec_by_name("zstd");
  for (int level : {-15, -1, 1, 3, 9, 15}) {
    const Bytes stream = *compressed(zstd, text_bytes(131072, 10), level, 131072);
    const auto descriptor = static_cast<uint8_t>(stream[4]);
    const bool single_segment = (descriptor & 0x20) != 0;
    const uint64_t window = uint64_t{1} << (10 + (static_cast<uint8_t>(stream[5]) >> 3));
    CHECK((single_segment || window <= 131072));
  }
}

TEST_CASE("mutated streams end in an error or in some bytes, never outside the spans") {
  for (const Codec* codec : all_codecs()) {
    size_t refused = 0, taken = 0;
    for (unsigned seed = 0; seed < 3000; ++seed) {
      std::mt19937 random(seed);
      const size_t size = 1 + random() % 20000;
      Bytes stream = *compressed(*codec, seed % 2 != 0 ? text_bytes(size, seed) : mixed_bytes(size, seed), 0,
                                 2 * size + 1000);
      for (size_t i = 0; i < 1 + random() % 8; ++i) {
        const size_t reach = random() % 3 != 0 ? stream.size() : std::min<size_t>(stream.size(), 16);
        stream[random() % reach] = static_cast<std::byte>(random());
      }
      if (random() % 4 == 0) stream.resize(random() % stream.size());
      stream.shrink_to_fit();  // so that a sanitizer sees the byte behind
      GuardedBytes out(1 + random() % (2 * size));
      const Status status = codec->decompress(stream, out.span());
      if (!out.is_intact()) FAIL_CHECK("seed " << seed << " wrote outside of the span");
      if (!status && status.error().code != EIO)
        FAIL_CHECK("seed " << seed << ": " << status.error().message);
      ++(status ? taken : refused);
    }
    INFO(codec->name());
    CHECK(refused > 500);
    CHECK(taken > 20);
  }
}

TEST_CASE("noise is never taken for a stream that runs away") {
  for (const Codec* codec : all_codecs()) {
    size_t refused = 0;
    for (unsigned seed = 0; seed < 500; ++seed) {
      const Bytes noise = random_bytes(seed * 7, seed);
      GuardedBytes out(131072);
      const Status status = codec->decompress(noise, out.span());
      if (!out.is_intact()) FAIL_CHECK("seed " << seed << " wrote outside of the span");
      refused += !status;
    }
    INFO(codec->name());
    CHECK(refused > 450);
  }
}

TEST_CASE("the null codec copies and pads with zeros") {
  const Codec& null = *codec_by_type(0);
  const Bytes in = random_bytes(100, 11);
  CHECK(*compressed(null, in, 0, 100) == in);
  CHECK_FALSE(compressed(null, in, 0, 99));
  Bytes longer = in;
  longer.resize(150);
  CHECK(decompressed(null, in, 150) == longer);
  CHECK(decompressed(null, in, 40) == Bytes(in.begin(), in.begin() + 40));
}

TEST_CASE("a zstd frame whose window is larger than an extent reads, and costs no memory for it") {
  const Codec& codec = *codec_by_name("zstd");
  const Bytes text = text_bytes(128 << 10, 3);
  for (const int window_log : {18, 21, 27, 30}) {
    INFO(window_log);
    // As a stream whose size nobody knew: the frame says its window, and not how much it holds.
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 18);
    Bytes frame(ZSTD_compressBound(text.size()));
    ZSTD_outBuffer out{frame.data(), frame.size(), 0};
    ZSTD_inBuffer first{text.data(), 1000, 0}, rest{text.data() + 1000, text.size() - 1000, 0};
    while (first.pos < first.size) ZSTD_compressStream2(context, &out, &first, ZSTD_e_continue);
    while (ZSTD_compressStream2(context, &out, &rest, ZSTD_e_end) != 0) {
    }
    ZSTD_freeCCtx(context);
    REQUIRE((frame[4] & std::byte{0x20}) == std::byte{0});  // there is a window in the header
    frame[5] = static_cast<std::byte>((window_log - 10) << 3);
    frame.resize(out.pos + 100);  // an extent ends with zeros
    CHECK(decompressed(codec, frame, text.size()) == text);
    CHECK((decompressed(codec, frame, 5000) == Bytes(text.begin(), text.begin() + 5000)));
    Bytes longer = decompressed(codec, frame, (128 << 10) + 4096);
    CHECK(std::equal(text.begin(), text.end(), longer.begin()));
    CHECK((Bytes(longer.end() - 4096, longer.end()) == Bytes(4096)));
    frame.resize(out.pos / 2);
    Bytes broken(text.size());
    CHECK_FALSE(codec.decompress(frame, broken));
  }
}

}  // namespace butterfuse::codec_test
