# SPDX-License-Identifier: GPL-2.0-or-later
"""Flips a byte in both copies of a tree block, so that its checksum is wrong: spoil_block.py IMAGE BYTENR.

The copies are found by what a tree block's header says of itself: its bytenr at byte 48, behind the file system's id.
"""
import mmap
import struct
import sys

with open(sys.argv[1], "r+b") as image, mmap.mmap(image.fileno(), 0) as bytes_:
    fsid = bytes_[65536 + 32:65536 + 48]
    wanted = fsid + struct.pack("<Q", int(sys.argv[2]))
    at = bytes_.find(wanted)
    while at >= 0:
        bytes_[at - 32 + 200] ^= 0xFF
        at = bytes_.find(wanted, at + 1)
