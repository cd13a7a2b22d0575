#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a partition table into an image file: partition_image.py mbr|gpt IMAGE.

mbr: primary 1, and in an extended partition the logical 5 and 6. gpt: 1 and 3. Each 256 MiB, one behind the other."""
import binascii
import struct
import sys
import uuid

SECTOR, MIB = 512, 1 << 20
kind, path = sys.argv[1:]
size = 256 * MIB // SECTOR
image = open(path, "r+b")
image.seek(0, 2)
sectors = image.tell() // SECTOR


def put(sector, data):
    image.seek(sector * SECTOR)
    image.write(data)


def boot_record(entries):  # (type, first, count), counted from what the type counts from
    record = b"".join(struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", t, b"\xfe\xff\xff", first, n) for t, first, n in entries)
    return bytes(446) + record.ljust(64, b"\0") + b"\x55\xaa"


if kind == "mbr":
    first = MIB // SECTOR
    extended = first + size
    gap = MIB // SECTOR
    put(0, boot_record([(0x83, first, size), (0x05, extended, 2 * (size + gap))]))
    put(extended, boot_record([(0x83, gap, size), (0x05, size + gap, size + gap)]))
    put(extended + size + gap, boot_record([(0x83, gap, size)]))
else:
    linux = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
    disk = uuid.UUID("11111111-2222-3333-4444-555555555555").bytes_le
    table = bytearray(128 * 128)
    for slot in (0, 2):
        first = MIB // SECTOR + (slot // 2) * size
        table[slot * 128:slot * 128 + 128] = struct.pack(
            "<16s16sQQQ72s", linux, uuid.UUID(int=slot + 1).bytes_le, first, first + size - 1, 0, b"")

    def header(own, other, entries):
        def pack(crc):
            return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, own, other, 34, sectors - 34, disk,
                               entries, 128, 128, binascii.crc32(bytes(table)))
        return pack(binascii.crc32(pack(0))).ljust(SECTOR, b"\0")

    put(0, boot_record([(0xEE, 1, sectors - 1)]))
    put(1, header(1, sectors - 1, 2))
    put(2, bytes(table))
    put(sectors - 33, bytes(table))
    put(sectors - 1, header(sectors - 1, 1, sectors - 33))
