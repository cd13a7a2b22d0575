# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a file through O_TMPFILE and linkat, and renames one leaving a whiteout. Usage: odd_names.py DIR"""
import ctypes
import os
import sys

AT_FDCWD, AT_SYMLINK_FOLLOW, RENAME_WHITEOUT = -100, 0x400, 4
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


os.chdir(sys.argv[1])
unnamed = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
os.write(unnamed, b"hello")
path = f"/proc/self/fd/{unnamed}".encode()
check(libc.linkat(AT_FDCWD, path, AT_FDCWD, b"named", AT_SYMLINK_FOLLOW), "linkat")
print(open("named").read(), os.stat("named").st_nlink)
closed = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)  # vanishes with its last user
os.close(closed)
open("whiteout", "w").close()
check(libc.renameat2(AT_FDCWD, b"whiteout", AT_FDCWD, b"moved", RENAME_WHITEOUT), "renameat2")
print(oct(os.stat("whiteout").st_mode), os.stat("whiteout").st_rdev, os.path.exists("moved"))
