# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in images, as one sum of all: python3 image_sum.py FILE...

As sha256sum, but blocks of zeros are left out, and holes are not read: an image is mostly those.
"""
import errno
import hashlib
import os
import sys

BLOCK = 1 << 20
ZEROS = bytes(BLOCK)


def next_data(file, at):
    try:
        return os.lseek(file, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        return at  # no file that has holes


def add(whole, path):
    file = os.open(path, os.O_RDONLY)
    size = os.lseek(file, 0, os.SEEK_END)
    whole.update(f"{size}\n".encode())
    at = next_data(file, 0)
    while at is not None and at < size:
        at -= at % BLOCK
        block = os.pread(file, BLOCK, at)
        if block != ZEROS[:len(block)]:
            whole.update(f"{at}\n".encode() + block)
        at = next_data(file, at + BLOCK)
    os.close(file)


total = hashlib.sha256()
for name in sys.argv[1:]:
    add(total, name)
print(total.hexdigest())
