# SPDX-License-Identifier: GPL-2.0-or-later
"""Stores through mappings, written back by the kernel, and seeks that wait for that: seek_stores.py FILE SECONDS"""
import ctypes
import mmap
import os
import random
import sys
import threading
import time

path, seconds = sys.argv[1], float(sys.argv[2])
SIZE, PAGE, WRITE = 16 << 20, 4096, 2  # SYNC_FILE_RANGE_WRITE
libc = ctypes.CDLL(None, use_errno=True)
file = os.open(path, os.O_RDWR | os.O_CREAT)
os.ftruncate(file, SIZE)
bytes_ = mmap.mmap(file, SIZE)
end = time.time() + seconds


def store():
    while time.time() < end:
        at = random.randrange(SIZE // PAGE - 64) * PAGE
        for page in range(64): bytes_[at + page * PAGE] = random.randrange(256)
        libc.sync_file_range(file, ctypes.c_long(at), ctypes.c_long(64 * PAGE), WRITE)


def seek():
    while time.time() < end:
        try:
            os.lseek(file, 0, os.SEEK_DATA)
        except OSError:
            return


threads = [threading.Thread(target=work, daemon=True) for work in (store, store, seek, seek)]
for thread in threads:
    thread.start()
time.sleep(seconds)
os._exit(0)
