// SPDX-License-Identifier: GPL-2.0-or-later
// ParityRebuild: the missing columns of a RAID5 or RAID6 row from those that are left.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace butterfuse {

// A row: data columns 0 .. data-1, then P, the XOR of all data, then (RAID6) Q, the sum of data column i
// times g^i in GF(2^8) with the polynomial 0x11d and g = 2.
struct ParityRow {
  uint64_t data = 0;    // columns
  uint64_t parity = 0;  // 1 or 2
  uint64_t p() const { return data; }
  uint64_t q() const { return data + 1; }
};

// Reads a column of the row, the same bytes of each.
using ColumnReader = std::function<Status(uint64_t column, MutableByteSpan into)>;

// Fills `into` with data column `want`, without reading it or what is in `lost`; columns that fail to be read
// are lost, too. EIO when more are lost than there is parity. Needs memory for three columns.
Status rebuild_column(const ParityRow& row, uint64_t want, std::vector<uint64_t> lost,
                      const ColumnReader& read, MutableByteSpan into);

// P and Q (empty for RAID5) of data columns; for tests and checks.
void compute_parity(const std::vector<ByteSpan>& data, MutableByteSpan p, MutableByteSpan q);

}  // namespace butterfuse
