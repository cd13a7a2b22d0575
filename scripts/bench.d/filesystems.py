# SPDX-License-Identifier: GPL-2.0-or-later
"""File systems: the two sides of a comparison, each with an image and a mount point of its own."""
import contextlib
import fcntl
import os
import subprocess
import time

from processes import run

IMAGE_BYTES = 8 << 30
DAEMON_SECONDS_MAX = 600
BTRFS_IOC_SYNC = 0x9408


def drop_caches(image):
    """Of everything that is clean; the image is made so. sync(2) would wait for what others write, too."""
    file = os.open(image, os.O_RDONLY)
    os.fsync(file)
    os.close(file)
    with open("/proc/sys/vm/drop_caches", "w") as control:
        control.write("3\n")


class FileSystem:
    """What both can do. Between make_image() and mount() nothing has the image open."""
    name = label = ""

    def __init__(self, folder):
        self.image, self.mount_point = os.path.join(folder, self.name + ".img"), os.path.join(folder, self.name)
        self.mounted = False
        self.course = ""     # the one that is on
        self.peaks_mib = {}  # course -> high water of the daemon's memory
        os.mkdir(self.mount_point)

    def make_image(self, image_bytes=IMAGE_BYTES):
        """A new sparse image with an empty file system."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.image)
        with open(self.image, "wb") as image:
            image.truncate(image_bytes)
        self.mkfs()

    def remount(self, options):
        """All caches are cold then."""
        self.umount()
        drop_caches(self.image)
        self.mount(options)

    def make_durable(self):
        """All data is written and a commit made: the ioctl is one that both answer; syncfs(2) does not reach the daemon."""
        folder = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, BTRFS_IOC_SYNC)
        finally:
            os.close(folder)

    def serves(self, course):
        """Whether the course can be run on it."""
        return course is not None

    def path(self, *parts):
        return os.path.join(self.mount_point, *parts)

    def leave(self):
        """Unmounts whatever is mounted, also after a failure in the middle of something."""
        with contextlib.suppress(subprocess.CalledProcessError, OSError):
            if self.mounted:
                self.umount()
        if os.path.ismount(self.mount_point):
            subprocess.run(["umount", "-l", self.mount_point], stderr=subprocess.DEVNULL, check=False)
        self.mounted = False


class KernelBtrfs(FileSystem):
    name = "kernel"
    label = "kernel btrfs"

    def mkfs(self):
        run("mkfs.btrfs", "-q", "-f", self.image)

    def mount(self, options="", image=None):
        run("mount", "-t", "btrfs", "-o", ",".join(filter(None, ["loop", options])), image or self.image, self.mount_point)
        self.mounted = True

    def umount(self):
        run("umount", self.mount_point)
        self.mounted = False


class Butterfuse(FileSystem):
    name = "butterfuse"
    label = "butterfuse"

    def __init__(self, folder, binary):
        super().__init__(folder)
        self.binary, self.mounted_image = binary, None

    def mkfs(self):
        run(self.binary, "mkfs", "-q", "-f", self.image)

    def mount(self, options="", image=None):
        words = ["-o", options] if options else []
        run(self.binary, "mount", *words, image or self.image, self.mount_point)
        self.mounted, self.mounted_image = True, image or self.image

    def umount(self):
        daemon = find_daemon(self.mounted_image)
        self.peaks_mib[self.course] = max(self.peaks_mib.get(self.course, 0), read_peak_mib(daemon))
        run("umount", self.mount_point)
        self.mounted = False
        # The unmount is over when the daemon has committed and gone.
        end = time.monotonic() + DAEMON_SECONDS_MAX
        while daemon and lives(daemon):
            if time.monotonic() > end:
                raise OSError(f"the daemon {daemon} is still there {DAEMON_SECONDS_MAX} s after the unmount")
            time.sleep(0.002)


class OtherBuild(Butterfuse):
    name = "other"
    label = "the other build"


class NullServer(FileSystem):
    """Files in memory, that no server of the same requests can be faster than. What is cold is what the kernel knows of them."""
    name = "null"
    label = "a null server"
    COURSES = ("tree-zstd", "tree-none", "small-mix", "git", "npm", "build", "dbench", "sqlite-by-1", "sqlite-by-100")

    def __init__(self, folder, binary):
        super().__init__(folder)
        self.binary = binary

    def serves(self, course):
        return course.name in self.COURSES

    def make_image(self, image_bytes=IMAGE_BYTES):
        self.leave()
        with open(self.image, "wb"):
            pass
        run(self.binary, self.mount_point)
        self.mounted = True

    def mount(self, options="", image=None):
        """It is, from make_image() to leave(): what it has would be gone."""

    def umount(self):
        drop_caches(self.image)

    def leave(self):
        if os.path.ismount(self.mount_point):
            subprocess.run(["umount", self.mount_point], stderr=subprocess.DEVNULL, check=False)
        super().leave()


def find_daemon(image):
    """The pid of the daemon that serves the image, or None."""
    needle = os.path.realpath(image).encode()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{entry}/cmdline", "rb") as cmdline:
                words = cmdline.read().split(b"\0")
            if b"mount" in words and needle in words:
                return int(entry)
    return None


def lives(pid):
    """A zombie without threads has done its work; when it is reaped is up to others."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1
    return False


def read_peak_mib(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
    return 0.0
