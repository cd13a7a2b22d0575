// SPDX-License-Identifier: GPL-2.0-or-later
// Arithmetic in GF(2^8), and the four cases of what can be lost beside the wanted column.
//
//     lost besides            with
//     nothing, or Q           P: the XOR of P and the other data columns
//     P                       Q: minus the other data columns, divided by g^want
//     another data column     P and Q: two equations
//     more                    nothing: EIO
#include "core/volume/parity.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "core/base/assert.h"

namespace butterfuse {
namespace {

struct Field {
  std::array<uint8_t, 256> log{};
  std::array<uint8_t, 510> power{};  // of g; twice around, so that sums of logs need no modulus
  constexpr Field() {
    unsigned value = 1;
    for (unsigned i = 0; i < 255; ++i) {
      power[i] = power[i + 255] = static_cast<uint8_t>(value);
      log[value] = static_cast<uint8_t>(i);
      value <<= 1;
      if (value & 0x100) value ^= 0x11d;
    }
  }
  // REQUIRES a != 0.
  constexpr uint8_t inverse(uint8_t a) const { return power[255 - log[a]]; }
};
constexpr Field kField;

using Products = std::array<uint8_t, 256>;
Products products_of(uint8_t factor) {
  Products table{};
  for (unsigned a = 1; factor != 0 && a < 256; ++a)
    table[a] = kField.power[kField.log[a] + kField.log[factor]];
  return table;
}

void add(MutableByteSpan sum, ByteSpan bytes) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] ^= bytes[i];
}
void add_times(MutableByteSpan sum, ByteSpan bytes, uint8_t factor) {
  const Products products = products_of(factor);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] ^= std::byte{products[std::to_integer<uint8_t>(bytes[i])]};
}
void multiply(MutableByteSpan bytes, uint8_t factor) {
  const Products products = products_of(factor);
  for (std::byte& byte : bytes) byte = std::byte{products[std::to_integer<uint8_t>(byte)]};
}

// One try with a fixed idea of what is lost.
class Rebuild {
 public:
  Rebuild(const ParityRow& row, uint64_t want, const std::vector<uint64_t>& lost, const ColumnReader& read,
          MutableByteSpan into)
      : row_(row), want_(want), lost_(lost), read_(read), into_(into), column_(into.size()) {}

  // The column that could not be read, if one; then the result is void.
  std::optional<uint64_t> run() {
    const std::optional<uint64_t> other = other_lost_data();
    const bool use_q = other || is_lost(row_.p());
    const bool use_p = !is_lost(row_.p());
    MutableByteSpan p = into_;
    if (use_q) q_.resize(into_.size());
    std::ranges::fill(into_, std::byte{0});
    for (uint64_t column = 0; column < row_.data + row_.parity; ++column) {
      const bool needed = column < row_.data || (column == row_.p() ? use_p : use_q);
      if (!needed || column == want_ || is_lost(column)) continue;
      if (!read_(column, column_)) return column;
      if (use_p && column != row_.q()) add(p, column_);
      if (use_q && column != row_.p()) add_times(q_, column_, factor_of(column));
    }
    if (!use_q) return std::nullopt;  // P gave it
    if (!other) {
      multiply(q_, kField.inverse(factor_of(want_)));
      std::ranges::copy(q_, into_.begin());
      return std::nullopt;
    }
    // into_ = a + b, q_ = g^a a + g^b b: (q_ + g^b (a + b)) / (g^a + g^b) = a.
    add_times(q_, into_, factor_of(*other));
    multiply(q_, kField.inverse(factor_of(want_) ^ factor_of(*other)));
    std::ranges::copy(q_, into_.begin());
    return std::nullopt;
  }

 private:
  bool is_lost(uint64_t column) const { return std::ranges::find(lost_, column) != lost_.end(); }
  std::optional<uint64_t> other_lost_data() const {
    for (uint64_t column : lost_)
      if (column != want_ && column < row_.data) return column;
    return std::nullopt;
  }
  uint8_t factor_of(uint64_t column) const {
    return column == row_.q() ? uint8_t{1} : kField.power[column % 255];
  }

  const ParityRow& row_;
  const uint64_t want_;
  const std::vector<uint64_t>& lost_;
  const ColumnReader& read_;
  const MutableByteSpan into_;
  std::vector<std::byte> column_, q_;
};

}  // namespace

Status rebuild_column(const ParityRow& row, uint64_t want, std::vector<uint64_t> lost,
                      const ColumnReader& read, MutableByteSpan into) {
  BF_ASSERT(want < row.data, "column {} of {}", want, row.data);
  std::erase(lost, want);
  lost.push_back(want);
  while (lost.size() <= row.parity) {
    const std::optional<uint64_t> failed = Rebuild(row, want, lost, read, into).run();
    if (!failed) return {};
    lost.push_back(*failed);
  }
  return make_error(EIO, "{} of {} stripes of a row are lost, parity makes up for {}", lost.size(),
                    row.data + row.parity, row.parity);
}

void compute_parity(const std::vector<ByteSpan>& data, MutableByteSpan p, MutableByteSpan q) {
  std::ranges::fill(p, std::byte{0});
  std::ranges::fill(q, std::byte{0});
  for (size_t column = 0; column < data.size(); ++column) {
    add(p, data[column]);
    if (!q.empty()) add_times(q, data[column], kField.power[column % 255]);
  }
}

}  // namespace butterfuse
