// SPDX-License-Identifier: GPL-2.0-or-later
// Superblocks are safe from what an image says lies where they are.
#include "core/volume/super_places.h"

#include <catch2/catch.hpp>

#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/ondisk/format.h"

namespace butterfuse::super_places_test {

TEST_CASE("bytes of superblocks are told from others") {
  CHECK(touches_super({65536, 69632}));
  CHECK(touches_super({0, 65537}));
  CHECK(touches_super({super_mirror_offset(1) + kSuperSize - 1, super_mirror_offset(1) + kSuperSize}));
  CHECK_FALSE(touches_super({0, 65536}));
  CHECK_FALSE(touches_super({69632, super_mirror_offset(1)}));
}

TEST_CASE("discarding a range leaves the superblocks in it") {
  const auto trace = std::make_shared<Trace>();
  RecordingDevice device(std::make_shared<MemoryDevice>(128 << 20), trace);
  discard_around_supers(device, {0, 128 << 20});
  uint64_t bytes = 0;
  for (const TraceEvent& event : trace->events()) {
    CHECK(event.kind == TraceEvent::Kind::discard);
    CHECK_FALSE(touches_super(ByteRange::at(event.offset, event.length)));
    bytes += event.length;
  }
  CHECK(bytes == (128 << 20) - 2 * kStripeLen);
}

}  // namespace butterfuse::super_places_test
