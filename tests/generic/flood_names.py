# SPDX-License-Identifier: GPL-2.0-or-later
"""200 processes that change names in a folder so that each change waits for the disk, until this one is told to end.
flood_names.py replace|durable|syncfs FOLDER"""
import ctypes
import fcntl
import os
import signal
import struct
import sys

what, folder = sys.argv[1:]
COUNT = 200
FS_IOC_SETFLAGS, FS_SYNC_FL = 0x40086602, 8
libc = ctypes.CDLL(None)
content = os.urandom(1 << 18)


def prepare(own):
    if what == "durable":
        directory = os.open(own, os.O_RDONLY)
        fcntl.ioctl(directory, FS_IOC_SETFLAGS, struct.pack("l", FS_SYNC_FL))
        os.close(directory)


def change(own, number):
    if what == "durable":
        os.close(os.open(f"{own}/{number}", os.O_CREAT | os.O_WRONLY))
        return
    with open(f"{own}/new", "wb") as file:
        file.write(content)
    if what == "replace":
        os.rename(f"{own}/new", f"{own}/old")
    else:
        directory = os.open(own, os.O_RDONLY)
        libc.syncfs(directory)
        os.close(directory)


def work(own):
    os.mkdir(own)
    prepare(own)
    open(f"{own}/old", "w").close()
    number = 0
    while True:
        change(own, number)
        number += 1


children = []


def end(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for one in children:
        os.kill(one, signal.SIGKILL)
    try:
        while True:
            os.wait()
    except ChildProcessError:
        os._exit(0)


signal.signal(signal.SIGTERM, end)
for number in range(COUNT):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # none is made that end() does not know
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        try:
            work(f"{folder}/{number}")
        finally:
            os._exit(0)
    children.append(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
while True:
    signal.pause()
