#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Appends and fsyncs to FILE while others store into its earlier pages, then kills process DAEMON.

  append_load.py FILE DAEMON APPENDS mmap|write      prints the size that the last fsync promised
"""
import ctypes
import mmap
import os
import signal
import sys

BASE = 1 << 20
STEP = 1000


def store_by_mmap(fd):
    memory = mmap.mmap(fd, BASE)
    libc = ctypes.CDLL(None)
    libc.sync_file_range.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    value = 0
    while True:
        value = (value + 1) % 256
        for page in range(0, BASE // 4096, 3):
            memory[page * 4096] = value
        libc.sync_file_range(fd, 0, BASE, 2)  # SYNC_FILE_RANGE_WRITE: handed over, not waited for


def store_by_write(fd):
    value = 0
    while True:
        value = (value + 1) % 256
        for page in range(0, BASE // 4096, 3):
            os.pwrite(fd, bytes([value]) * 100, page * 4096)


def main():
    path, daemon, appends, how = sys.argv[1:]
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    os.write(fd, b"b" * BASE)
    os.fsync(fd)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            try:
                (store_by_mmap if how == "mmap" else store_by_write)(fd)
            finally:
                os._exit(0)
        children.append(child)
    size = BASE
    for i in range(int(appends)):
        os.pwrite(fd, bytes([65 + i % 26]) * STEP, size)
        os.fsync(fd)
        size += STEP
    os.kill(int(daemon), signal.SIGKILL)
    for child in children:
        os.kill(child, signal.SIGKILL)
    print(size)


main()
