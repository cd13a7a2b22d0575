// SPDX-License-Identifier: GPL-2.0-or-later
// ForeignMagic: formats that are known by some bytes at one place.
#pragma once

#include <cstdint>
#include <string_view>

namespace butterfuse {

struct ForeignMagic {
  uint64_t offset;  // bytes from the beginning; of kForeignTails, from that of the last 512 bytes
  std::string_view magic, name, hint;
};

constexpr uint64_t kBtrfsMagicAt = 0x10040;
constexpr std::string_view kBtrfsMagic = "_BHRfS_M";

// As names and magics hold zeros, each literal is taken with its length.
template <size_t N>
constexpr std::string_view bytes(const char (&text)[N]) {
  return {text, N - 1};
}

constexpr std::string_view kConvert = "qemu-img convert -O raw makes an image of it that can be mounted";
constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kUnlock = "cryptsetup open it, and mount what is then in /dev/mapper";

// The first one that fits is the answer: containers before what lies in them, sure ones before short ones.
constexpr ForeignMagic kForeignMagics[] = {
    {0, bytes("QFI\xfb\0\0\0\x01"), "a qcow image", kConvert},
    {0, bytes("QFI\xfb"), "a qcow2 image", kConvert},
    {0, bytes("QED\0"), "a QED image", kConvert},
    {0, bytes("KDMV"), "a VMDK image", kConvert},
    {0, bytes("COWD"), "a VMDK image", kConvert},
    {0, bytes("# Disk DescriptorFile"), "a VMDK description", kConvert},
    {0x40, bytes("\x7f\x10\xda\xbe"), "a VDI image", kConvert},
    {0, bytes("vhdxfile"), "a VHDX image", kConvert},
    {0, bytes("conectix"), "a VHD image", kConvert},
    {0, bytes("\x3a\xff\x26\xed"), "an Android sparse image", "simg2img unpacks it"},
    {0, bytes("\x1f\x8b\x08"), "gzip data", kUnpack},
    {0,
     bytes("\xfd"
           "7zXZ\0"),
     "xz data", kUnpack},
    {0, bytes("\x28\xb5\x2f\xfd"), "zstd data", kUnpack},
    {0, bytes("\x04\x22\x4d\x18"), "lz4 data", kUnpack},
    {0, bytes("BZh"), "bzip2 data", kUnpack},
    {0, bytes("LZIP"), "lzip data", kUnpack},
    {0, bytes("\x89LZO\0\r\n\x1a\n"), "lzop data", kUnpack},
    {0, bytes("\x5d\0\0"), "lzma data", kUnpack},
    {0, bytes("PK\x03\x04"), "a zip archive", kUnpack},
    {0, bytes("PK\x05\x06"), "a zip archive", "it is empty"},
    {0, bytes("7z\xbc\xaf\x27\x1c"), "a 7z archive", kUnpack},
    {0, bytes("Rar!\x1a\x07"), "a rar archive", kUnpack},
    {257, bytes("ustar"), "a tar archive", kUnpack},
    {0, bytes("07070"), "a cpio archive", kUnpack},
    {0, bytes("!<arch>\n"), "an ar archive", kUnpack},
    {0, bytes("MSWIM\0\0\0"), "a WIM image", kUnpack},
    {0,
     bytes("\x7f"
           "ELF"),
     "an ELF program", ""},
    {0, bytes("btrfs-stream\0"), "a stream of btrfs send", "btrfs receive reads it"},
    {0, bytes("\x8b\x66\x95\x72\xe2\x25\x5c\xbd"), "a dump of btrfs-image", "btrfs-image -r restores it"},
    {0, bytes("LUKS\xba\xbe"), "a LUKS container", kUnlock},
    {3, bytes("-FVE-FS-"), "a BitLocker volume", kUnlock},
    {512, bytes("LABELONE"), "a physical volume of LVM",
     "vgchange -ay, and mount one of its logical volumes"},
    {0, bytes("LABELONE"), "a physical volume of LVM", "vgchange -ay, and mount one of its logical volumes"},
    {4096, bytes("\xfc\x4e\x2b\xa9"), "a member of a Linux RAID", "mdadm --assemble, and mount /dev/md..."},
    {0, bytes("\xfc\x4e\x2b\xa9"), "a member of a Linux RAID", "mdadm --assemble, and mount /dev/md..."},
    {4096 + 24, bytes("\xc6\x85\x73\xf6\x4e\x1a\x45\xca"), "a member of a bcache", "mount /dev/bcache..."},
    {4096 + 24, bytes("\xc6\x85\x73\xf6\x66\xce\x90\xa9"), "a bcachefs file system", ""},
    {0, bytes("XFSB"), "an XFS file system", ""},
    {0, bytes("hsqs"), "a squashfs image", ""},
    {1024, bytes("\xe2\xe1\xf5\xe0"), "an EROFS image", ""},
    {1024, bytes("\x10\x20\xf5\xf2"), "an F2FS file system", ""},
    {1024 + 6, bytes("\x34\x34"), "a NILFS2 file system", ""},
    {3, bytes("NTFS    "), "an NTFS file system", ""},
    {3, bytes("EXFAT   "), "an exFAT file system", ""},
    {82, bytes("FAT32   "), "a vfat file system (FAT32)", ""},
    {54, bytes("FAT16   "), "a vfat file system (FAT16)", ""},
    {54, bytes("FAT12   "), "a vfat file system (FAT12)", ""},
    {32768 + 1, bytes("CD001"), "an ISO 9660 image", ""},
    {32768 + 1, bytes("BEA01"), "a UDF file system", ""},
    {32768, bytes("JFS1"), "a JFS file system", ""},
    {65536 + 52, bytes("ReIsEr"), "a ReiserFS file system", ""},
    {65536, bytes("ReIsEr4"), "a Reiser4 file system", ""},
    {65536, bytes("\x01\x16\x19\x70"), "a GFS2 file system", ""},
    {32, bytes("NXSB"), "an APFS container", ""},
    {1024, bytes("H+\0"), "an HFS+ file system", ""},
    {1024, bytes("HX\0"), "an HFS+ file system", ""},
};

constexpr ForeignMagic kForeignTails[] = {
    {0, bytes("conectix"), "a VHD image", kConvert},
    {0, bytes("koly"), "a DMG image", "dmg2img unpacks it"},
};

}  // namespace butterfuse
