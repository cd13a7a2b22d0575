// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryDevice, FaultDevice and RecordingDevice.
#include <catch2/catch.hpp>

#include "core/device/fault_device.h"
#include "core/device/memory_device.h"
#include "core/device/recording_device.h"

namespace butterfuse::wrappers_test {
namespace {
std::vector<std::byte> bytes_of(char fill, size_t count) {
  return std::vector<std::byte>(count, std::byte(fill));
}

std::vector<std::byte> read_back(BlockDevice& device, uint64_t offset, size_t count) {
  std::vector<std::byte> bytes(count);
  REQUIRE(device.read(offset, bytes));
  return bytes;
}
}  // namespace

TEST_CASE("a memory device keeps what is written at any offset and reads zeros elsewhere") {
  MemoryDevice device(1 << 30);
  REQUIRE(device.write(4000, bytes_of('a', 5000), WriteKind::data));
  CHECK(read_back(device, 4000, 5000) == bytes_of('a', 5000));
  CHECK(read_back(device, 0, 4000) == bytes_of(0, 4000));
  CHECK(read_back(device, 9000, 3000) == bytes_of(0, 3000));
  CHECK(device.bytes_in_memory() == 3 * 4096);
  CHECK(device.write(1 << 30, bytes_of('a', 1), WriteKind::data).error().code == EIO);
}

TEST_CASE("an overlay shows its base until it is written, and never changes the base") {
  auto base = std::make_shared<MemoryDevice>(10'000);  // not a multiple of the page
  REQUIRE(base->write(0, bytes_of('b', 10'000), WriteKind::data));
  MemoryDevice overlay(base);
  CHECK(read_back(overlay, 0, 10'000) == bytes_of('b', 10'000));
  REQUIRE(overlay.write(9'000, bytes_of('o', 10), WriteKind::data));
  CHECK(read_back(overlay, 9'000, 10) == bytes_of('o', 10));
  CHECK(read_back(overlay, 9'010, 990) == bytes_of('b', 990));
  CHECK(read_back(*base, 0, 10'000) == bytes_of('b', 10'000));
}

TEST_CASE("the chosen operation fails once, or from then on") {
  auto base = std::make_shared<MemoryDevice>(1 << 20);
  FaultDevice device(base);
  device.fail_nth(FaultOperation::write, 2, ENOSPC);
  CHECK(device.write(0, bytes_of('a', 10), WriteKind::data));
  CHECK(device.write(10, bytes_of('a', 10), WriteKind::data).error().code == ENOSPC);
  CHECK(device.write(20, bytes_of('a', 10), WriteKind::data));
  CHECK(read_back(*base, 10, 10) == bytes_of(0, 10));
  device.fail_nth(FaultOperation::flush, 1, EIO, true);
  CHECK(device.flush().error().code == EIO);
  CHECK(device.flush().error().code == EIO);
  device.fail_nth(FaultOperation::read, 1, EIO);
  std::vector<std::byte> buffer(10);
  CHECK_FALSE(device.read(0, buffer));
  CHECK(device.read(0, buffer));
  CHECK(device.count(FaultOperation::write) == 3);
  CHECK(device.faults() == 4);
}

TEST_CASE("after the power cut nothing reaches the base") {
  auto base = std::make_shared<MemoryDevice>(1 << 20);
  FaultDevice device(base);
  device.cut_power_after(1);
  CHECK(device.write(0, bytes_of('a', 10), WriteKind::data));
  CHECK(device.flush());
  CHECK_FALSE(device.write_gather(10, {bytes_of('b', 10)}, WriteKind::data));
  CHECK(device.power_is_cut());
  CHECK_FALSE(device.flush());
  device.discard(0, 10);
  CHECK(read_back(*base, 0, 20) == [] {
    auto want = bytes_of('a', 10);
    want.resize(20);
    return want;
  }());
}

TEST_CASE("a trace tells what was written, in which order, and what lies between flushes") {
  auto trace = std::make_shared<Trace>();
  RecordingDevice device(std::make_shared<MemoryDevice>(1 << 20), trace, 7);
  auto half = bytes_of('a', 5);
  REQUIRE(device.write_gather(100, {half, half}, WriteKind::metadata));
  REQUIRE(device.flush());
  trace->mark("ack sync");
  REQUIRE(device.write(65536, bytes_of('s', 4096), WriteKind::super));
  CHECK_FALSE(device.write(1 << 20, half, WriteKind::data));
  auto events = trace->events();
  REQUIRE(events.size() == 5);
  CHECK(events[0].kind == TraceEvent::Kind::write);
  CHECK(events[0].what == WriteKind::metadata);
  CHECK(events[0].device == 7);
  CHECK(events[0].offset == 100);
  CHECK(events[0].payload == bytes_of('a', 10));
  CHECK(events[1].kind == TraceEvent::Kind::flush);
  CHECK(events[0].completed < events[1].submitted);
  CHECK(events[2].text == "ack sync");
  CHECK(events[3].what == WriteKind::super);
  CHECK(events[4].failed);
  CHECK(read_back(device, 65536, 1) == bytes_of('s', 1));
}

}  // namespace butterfuse::wrappers_test
