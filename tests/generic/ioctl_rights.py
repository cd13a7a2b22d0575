# SPDX-License-Identifier: GPL-2.0-or-later
"""Tries the ioctls that not all may do; prints what each gave.   ioctl_rights.py MOUNT WHO"""
import ctypes
import errno
import fcntl
import os
import struct
import sys

CLONE_NEWUSER = 0x10000000
mount, who = sys.argv[1:]


def enter_namespace_of_all_ids():
    ready, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
            os._exit(1)
        os.write(ready[1], b"r")
        os.read(mapped[0], 1)
        return
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{child}/{name}", "w") as table:
            table.write("0 0 4294967295")
    os.write(mapped[1], b"m")
    sys.exit(os.waitpid(child, 0)[1] >> 8)


def call(path, flags, command, argument):
    if isinstance(argument, bytes):
        argument = bytearray(argument)  # others may have 1024 bytes at most
    descriptor = os.open(path, flags)
    try:
        fcntl.ioctl(descriptor, command, argument)
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        os.close(descriptor)


if who == "all-ids":
    enter_namespace_of_all_ids()
top = os.O_RDONLY | os.O_DIRECTORY
trim = struct.pack("QQQ", 0, 2**64 - 1, 0)
reset = struct.pack("QQQ", 1, 5, 1).ljust(1032, b"\0")
stats = struct.pack("QQQ", 1, 5, 0).ljust(1032, b"\0")
lookup = struct.pack("QQ", 0, os.stat(mount + "/roots").st_ino).ljust(4096, b"\0")
whose = struct.pack("QQ", 0, 256).ljust(4096, b"\0")
scrub = struct.pack("QQQQ", 1, 0, 0, 0).ljust(1024, b"\0")
rows = [
    ("label", mount, top, 0x41009432, who.encode().ljust(256, b"\0")),
    ("read label", mount, top, 0x81009431, bytearray(256)),
    ("trim", mount, top, 0xC0185879, trim),
    ("statistics", mount, top, 0xC4089434, stats),
    ("reset statistics", mount, top, 0xC4089434, reset),
    ("scrub progress", mount, top, 0xC400941D, scrub),
    ("scrub cancel", mount, top, 0x941C, 0),
    ("path of a number", mount, top, 0xD0009412, lookup),
    ("subvolume of a file", mount, top, 0xD0009412, whose),
    ("defragment a directory", mount, top, 0x50009402, bytearray(4096)),
    ("defragment root's file", mount + "/roots", os.O_RDONLY, 0x50009402, bytearray(4096)),
    ("defragment all's file", mount + "/alls", os.O_RDONLY, 0x50009402, bytearray(4096)),
    ("defragment a listed file", mount + "/listed", os.O_RDONLY, 0x50009402, bytearray(4096)),
    ("immutable", mount + "/alls", os.O_RDONLY, 0x40086602, struct.pack("l", 0x10)),
    ("sync", mount, top, 0x9408, 0),
]
if who != "root":
    rows.append(("shutdown", mount, top, 0x8004587D, bytearray(4)))
    rows.append(("scrub", mount, top, 0xC400941B, scrub))
for name, path, flags, command, argument in rows:
    print(f"  {name}: {call(path, flags, command, argument)}")
    if name == "immutable":
        call(path, flags, 0x40086602, struct.pack("l", 0))
