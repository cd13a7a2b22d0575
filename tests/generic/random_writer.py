#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the same random pieces (4 KiB to 1 MiB, some unaligned, some compressible) to a file and to its model.

  random_writer.py FILE MODEL SIZE_MIB SEED
"""
import os
import random
import sys


def main():
    paths, size, chooser = sys.argv[1:3], int(sys.argv[3]) << 20, random.Random(int(sys.argv[4]))
    files = [os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o644) for path in paths]
    for file in files:
        os.ftruncate(file, size)
    noise = chooser.randbytes(2 << 20)
    text = b"".join(b"line %d of the model\n" % number for number in range(100_000))
    written = 0
    while written < size:
        length = chooser.choice((4096, 8192, 65536, 131072, 1 << 20, chooser.randrange(4096, 1 << 20)))
        offset = chooser.randrange(0, size - length)
        if chooser.random() < 0.7:
            offset &= ~4095
        source = noise if chooser.random() < 0.3 else text
        start = chooser.randrange(0, len(source) - length)
        for file in files:
            done = os.pwrite(file, source[start:start + length], offset)
            assert done == length, (done, length)
        written += length
        if chooser.random() < 0.002:
            os.fsync(files[0])
    for file in files:
        os.fsync(file)
        os.close(file)


main()
