// SPDX-License-Identifier: GPL-2.0-or-later
// Foreign content: named for what it is, and nothing else is.
#include "core/device/foreign_content.h"

#include <catch2/catch.hpp>

#include "core/device/memory_device.h"

namespace butterfuse::foreign_content_test {
namespace {

constexpr uint64_t kMiB = 1u << 20;

void put(BlockDevice& device, uint64_t offset, std::string_view bytes) {
  REQUIRE(device.write(offset, {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()},
                       WriteKind::data));
}

std::string name_of(uint64_t offset, std::string_view bytes, uint64_t size = kMiB) {
  MemoryDevice device(size);
  put(device, offset, bytes);
  const auto content = foreign_content(device);
  return content ? content->name : "";
}

}  // namespace

TEST_CASE("what is no btrfs has a name") {
  using namespace std::string_view_literals;
  CHECK(name_of(0, "QFI\xfb\0\0\0\3"sv) == "a qcow2 image");
  CHECK(name_of(0, "QFI\xfb\0\0\0\1"sv) == "a qcow image");
  CHECK(name_of(0, "KDMV"sv) == "a VMDK image");
  CHECK(name_of(0x40, "\x7f\x10\xda\xbe"sv) == "a VDI image");
  CHECK(name_of(kMiB - 512, "conectix"sv) == "a VHD image");
  CHECK(name_of(0, "\x1f\x8b\x08"sv) == "gzip data");
  CHECK(name_of(0, "\xfd\x37zXZ\0"sv) == "xz data");
  CHECK(name_of(0, "\x28\xb5\x2f\xfd"sv) == "zstd data");
  CHECK(name_of(0, "BZh9"sv) == "bzip2 data");
  CHECK(name_of(0, "PK\3\4"sv) == "a zip archive");
  CHECK(name_of(257, "ustar\0"sv) == "a tar archive");
  CHECK(name_of(0, "LUKS\xba\xbe\0\2"sv) == "a LUKS container");
  CHECK(name_of(512, "LABELONE"sv) == "a physical volume of LVM");
  CHECK(name_of(4096, "\xfc\x4e\x2b\xa9"sv) == "a member of a Linux RAID");
  CHECK(name_of(4086, "SWAPSPACE2"sv) == "a swap area");
  CHECK(name_of(65526, "SWAPSPACE2"sv) == "a swap area");
  CHECK(name_of(0, "XFSB"sv) == "an XFS file system");
  CHECK(name_of(0, "hsqs"sv) == "a squashfs image");
  CHECK(name_of(3, "NTFS    "sv) == "an NTFS file system");
  CHECK(name_of(82, "FAT32   "sv) == "a vfat file system (FAT32)");
  CHECK(name_of(32769, "CD001"sv) == "an ISO 9660 image");
  CHECK(name_of((128 << 10) + 32 * 1024, "\x0c\xb1\xba\0"sv) == "a ZFS pool");
}

TEST_CASE("the file systems of the ext family are told apart") {
  const auto ext = [](char compat, char incompat) {
    std::string super(0x70, '\0');
    super[0x38] = '\x53', super[0x39] = '\xef', super[0x5c] = compat, super[0x60] = incompat;
    return name_of(1024, super);
  };
  CHECK(ext(0x38, 0x02) == "an ext2 file system");
  CHECK(ext(0x3c, 0x02) == "an ext3 file system");
  CHECK(ext(0x3c, 0x42) == "an ext4 file system");
}

TEST_CASE("a partition table is one by its entries, and the hint is to choose a partition") {
  MemoryDevice device(kMiB);
  put(device, 510, "\x55\xaa");
  CHECK_FALSE(foreign_content(device));  // a boot sector
  put(device, 446 + 4, "\x83");
  auto content = foreign_content(device);
  REQUIRE(content);
  CHECK(content->name == "a dos partition table (MBR)");
  CHECK(content->hint.find("part=NUMBER") != std::string::npos);
  put(device, 512, "EFI PART");
  content = foreign_content(device);
  REQUIRE(content);
  CHECK(content->name == "a GPT partition table");
  put(device, 0x10040, "_BHRfS_M");
  CHECK_FALSE(foreign_content(device));
}

TEST_CASE("zeros, noise and devices of any size are no content") {
  for (const uint64_t bytes : {0u, 1u, 511u, 512u, 4096u, 65536u, 270336u, 1u << 20}) {
    INFO(bytes);
    MemoryDevice device(bytes);
    CHECK_FALSE(foreign_content(device));
    CHECK(foreign_content_text(device) == (bytes == 0 ? "" : ": it begins with zeros"));
  }
  CHECK(name_of(0, std::string(4096, 'x')).empty());
  CHECK(name_of(0, "\x1f\x8b\x08", 3) == "gzip data");
}

}  // namespace butterfuse::foreign_content_test
