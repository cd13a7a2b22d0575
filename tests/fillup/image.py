# SPDX-License-Identifier: GPL-2.0-or-later
"""Image: made as a Setting says: files, snapshots, and data that fills it."""
import contextlib
import errno
import os
import shutil
import subprocess

from daemon import Daemon

BLOCK = 4096


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kernel_has_btrfs():
    if os.geteuid() != 0:
        return False
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "btrfs"], capture_output=True, check=False)
    with open("/proc/filesystems", encoding="utf-8") as names:
        return "\tbtrfs\n" in names.read()


def content(name, length):
    """Bytes that tell which file they are of."""
    line = (name.encode() + b" ").ljust(64, b".")
    return (line * (length // 64 + 1))[:length]


def write_files(setting, folder):
    """As many as fit: a small image with large blocks does not hold all that a setting may ask for."""
    try:
        write_all_files(setting, folder)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def write_all_files(setting, folder):
    for number in range(setting.small_files):
        with open(f"{folder}/small{number}", "wb") as file:
            file.write(content(f"small{number}", 200 + number % 1700))
    for number in range(setting.broken_files):
        with open(f"{folder}/broken{number}", "wb") as file:
            for extent in range(setting.extents):  # each before a hole
                os.pwrite(file.fileno(), content(f"broken{number}.{extent}", BLOCK), extent * 2 * BLOCK)


def fill(setting, folder):
    """Until nothing fits; then `left` bytes are given back."""
    with open(f"{folder}/fill", "wb", buffering=0) as file:
        block = bytes(range(256)) * 4096
        with contextlib.suppress(OSError):
            while True:
                file.write(block)
        with contextlib.suppress(OSError):
            os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
        try:
            os.ftruncate(file.fileno(), max(0, size - setting.left))
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def make_snapshots(setting, folder):
    """As many as fit."""
    for number in range(setting.snapshots):
        try:
            run("btrfs", "-q", "subvolume", "snapshot", f"{folder}/base", f"{folder}/snapshot{number}")
        except subprocess.CalledProcessError as error:
            if os.strerror(errno.ENOSPC).encode() not in error.stderr:
                raise
            return


def contents(folder):
    """Its directories, and the names of the files that each of them has."""
    names = [name for name in os.listdir(f"{folder}/base") if not name.startswith("fill")]
    return sorted(name for name in os.listdir(folder) if os.path.isdir(f"{folder}/{name}")), sorted(names)


def make(setting, program, image, folder, log):
    """What Work may touch of it, see contents."""
    with open(image, "wb") as file:
        file.truncate(setting.size)
    if setting.made_by_kernel:
        run("mkfs.btrfs", "-q", *setting.mkfs, image)
    else:
        run(program, "mkfs", "-q", *setting.mkfs, image)
    if not kernel_has_btrfs():
        daemon = Daemon(program, image, folder, "", log)
        os.mkdir(f"{folder}/base")
        write_files(setting, f"{folder}/base")
        fill(setting, folder)
        made = contents(folder)
        assert daemon.unmount() == 0, f"filling it: {daemon.last_line()}"
        return made
    run("mount", "-t", "btrfs", "-o", "loop,noatime,nodatacow", image, folder)
    try:
        run("btrfs", "-q", "subvolume", "create", f"{folder}/base")
        write_files(setting, f"{folder}/base")
        run("sync", "-f", folder)
        make_snapshots(setting, folder)
        fill(setting, folder)
        return contents(folder)
    finally:
        run("umount", folder)
