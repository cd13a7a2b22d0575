# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes a file's content in one of several ways.   change_content.py WAY FILE SOURCE"""
import ctypes
import os
import sys

way, path, source = sys.argv[1:]
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16


def fallocate(mode, offset, length):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
    if libc.fallocate(descriptor, mode, offset, length) != 0:
        raise OSError(ctypes.get_errno(), way)


if way == "truncate":
    os.truncate(path, 5000)
    sys.exit(0)
descriptor = os.open(path, os.O_RDWR | (os.O_TRUNC if way == "open" else 0))
if way == "write":
    os.pwrite(descriptor, b"other", 100)
elif way == "ftruncate":
    os.ftruncate(descriptor, 5000)
elif way == "fallocate":
    fallocate(0, 20000, 4096)
elif way == "punch":
    fallocate(PUNCH_HOLE | KEEP_SIZE, 4096, 4096)
elif way == "zero":
    fallocate(ZERO_RANGE, 4096, 4096)
elif way in ("copy", "reflink"):
    start, length = (100, 50) if way == "copy" else (0, 8192)
    os.copy_file_range(os.open(source, os.O_RDONLY), descriptor, length, start, start)
