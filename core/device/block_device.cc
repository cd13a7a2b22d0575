// SPDX-License-Identifier: GPL-2.0-or-later
// Defaults of the BlockDevice interface.
#include "core/device/block_device.h"

namespace butterfuse {

Status BlockDevice::write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) {
  for (ByteSpan piece : pieces) {
    BF_TRY(write(offset, piece, kind));
    offset += piece.size();
  }
  return {};
}

}  // namespace butterfuse
