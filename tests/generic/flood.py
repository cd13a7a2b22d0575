# SPDX-License-Identifier: GPL-2.0-or-later
"""200 processes that ask for something slow of one file again and again, until this one is told to end; it says when all are there.   flood.py WHAT FILE"""
import fcntl
import os
import signal
import sys

what, path = sys.argv[1:]
COUNT = 200
descriptor = os.open(path, os.O_RDWR)
size = os.fstat(descriptor).st_size


def call(number):
    if what == "defragment":
        fcntl.ioctl(descriptor, 0x50009402, bytearray(4096))
    elif what == "sync":
        os.pwrite(descriptor, os.urandom(4096), number * 4096)
        fcntl.ioctl(descriptor, 0x9408, 0)
    elif what == "fsync":
        os.pwrite(descriptor, os.urandom(4096), number * 4096)
        os.fsync(descriptor)
    elif what == "read":
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.pread(descriptor, 1 << 20, number % 50 << 20)
    elif what == "copy":
        os.copy_file_range(descriptor, descriptor, size // 2, 0, size // 2)


children = []


def end(*_):
    for one in children:
        os.kill(one, signal.SIGKILL)
    for one in children:
        os.waitpid(one, 0)
    os._exit(0)


gate = os.pipe()  # they begin together, lest the first ones leave no processor to make the others
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # none is made that end() does not know
signal.signal(signal.SIGTERM, end)
for number in range(COUNT):
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        os.close(gate[1])
        os.read(gate[0], 1)
        os.nice(10)
        while True:
            try:
                call(number)
            except OSError:
                os._exit(0)
    children.append(child)
os.close(gate[1])
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
print("under way", flush=True)
for one in children:
    os.waitpid(one, 0)
