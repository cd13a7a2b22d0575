# SPDX-License-Identifier: GPL-2.0-or-later
# Ways to change the old bytes of an append-only file, and what may be done with it: the file, and "mapped" where the
# mount has to let it be mapped.
import ctypes, errno, fcntl, mmap, os, sys, time

path, kernel_maps = sys.argv[1], len(sys.argv) > 2
libc = ctypes.CDLL(None, use_errno=True)
RWF_NOAPPEND = 0x20


def outcome(act):
    try:
        act()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]


def without_append():
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    fcntl.fcntl(fd, fcntl.F_SETFL, 0)
    os.pwrite(fd, b"HACK", 0)


def noappend_write():
    class Iovec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    buffer = ctypes.create_string_buffer(b"HACK")
    vector = Iovec(ctypes.cast(buffer, ctypes.c_void_p), 4)
    if libc.pwritev2(fd, ctypes.byref(vector), 1, ctypes.c_long(0), RWF_NOAPPEND) < 0:
        raise OSError(ctypes.get_errno(), "pwritev2")


def store():
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    pages = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    pages[0:4] = b"HACK"
    pages.flush()


def append(flags, times, text):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | flags)
    for _ in range(times):
        os.write(fd, text)
    os.close(fd)


def refused(what):  # the kernel says EPERM and EACCES; where a file that we keep from it is mapped, ENODEV
    return "refused" if what in ("EPERM", "EACCES", "ENODEV", "EIO") else what


before = open(path, "rb").read()
print("plain open:", outcome(lambda: os.open(path, os.O_WRONLY)))
print("F_SETFL:", refused(outcome(without_append)))
print("RWF_NOAPPEND:", refused(outcome(noappend_write)))
print("shared mapping:", refused(outcome(store)))
if kernel_maps:
    time.sleep(0.5)  # the pages go behind the answer
print("private mapping:", outcome(lambda: mmap.mmap(os.open(path, os.O_RDWR | os.O_APPEND), 4096, mmap.MAP_PRIVATE)))
print("readers see:", "what was there" if open(path, "rb").read() == before else "something else")
append(0, 50, b"line\n")
append(os.O_SYNC, 5, b"line\n")
append(0, 3, b"x" * 300000)
after = open(path, "rb").read()
print("appended:", after == before + b"line\n" * 55 + b"x" * 900000)
