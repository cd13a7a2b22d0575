# SPDX-License-Identifier: GPL-2.0-or-later
"""Small files: a tree unpacked, listed, read and removed; a mix of creations, reads and deletions; a small image filled."""
import errno
import os
import random

from processes import run, warm_file, warm_programs
from workload import Course, Test, mount_option

UNTAR_FLOORS = {"zstd": 0.75, "none": 0.65}
SMALL_IMAGE_BYTES = 140 << 20
INLINE_BYTES = 1500
MIX_FOLDERS = 10


def tree_course(codec):
    options = mount_option(codec)
    untar, find, read, remove = (f"{what}-{codec}" for what in ("untar", "find-cold", "read-tree-cold", "rm"))
    tests = [Test(untar, options, UNTAR_FLOORS[codec]), *(Test(name, options, 1.0) for name in (find, read, remove))]

    def tree(stage, fs):
        archive = stage.data.archive
        top = fs.path("tree")

        def durable(*command):
            run(*command)
            fs.make_durable()

        fs.make_image()
        fs.mount(options)
        warm_file(archive)
        warm_programs("tar")
        stage.timed(untar, fs, lambda: durable("tar", "-xf", archive, "-C", fs.mount_point))
        if stage.wants(find):
            fs.remount(options)
            warm_programs("find")
            stage.timed(find, fs, lambda: run("find", top, "-printf", "%s %m %T@\\n"))
        if stage.wants(read):
            fs.remount(options)
            warm_programs("tar")
            # To /dev/zero: GNU tar reads nothing when it writes to /dev/null.
            stage.timed(read, fs, lambda: run("tar", "-cf", "/dev/zero", "-C", fs.mount_point, "tree"))
        if stage.wants(remove):
            fs.remount(options)
            warm_programs("rm")
            stage.timed(remove, fs, lambda: durable("rm", "-rf", top))
        fs.umount()

    return Course(f"tree-{codec}", ("small", "tree", codec), tests, [tree])


def fsync_course():
    options, name = mount_option("zstd"), "fsync-4k"

    def small_syncs(stage, fs):
        def write():
            file = os.open(fs.path("log"), os.O_CREAT | os.O_WRONLY, 0o644)
            for number in range(stage.sizes.small_syncs):
                os.pwrite(file, bytes([number & 255]) * 4096, number * 4096)
                os.fsync(file)
            os.close(file)

        fs.make_image()
        fs.mount(options)
        stage.timed(name, fs, write)
        fs.umount()

    return Course(name, ("small",), [Test(name, options, 1.3)], [small_syncs])


class Mix:
    """A pool of small files: each step reads or extends one, and makes or removes one; at the end all go. As postmark does."""

    def __init__(self, top, sizes):
        self.top, self.sizes, self.chooser = top, sizes, random.Random(17)
        self.text = self.chooser.randbytes(64 << 10).hex().encode()
        self.present, self.made = [], 0

    def run(self):
        for number in range(MIX_FOLDERS):
            os.mkdir(os.path.join(self.top, str(number)))
        for _ in range(self.sizes.mix_files):
            self.create()
        for _ in range(self.sizes.mix_steps):
            path = self.chooser.choice(self.present)
            if self.chooser.random() < 0.5:
                with open(path, "rb") as file:
                    file.read()
            else:
                with open(path, "ab") as file:
                    file.write(self.piece(100, 4000))
            if self.chooser.random() < 0.5 or len(self.present) < 10:
                self.create()
            else:
                self.delete()
        while self.present:
            self.delete()

    def piece(self, least, most):
        start, length = self.chooser.randrange(50000), self.chooser.randint(least, most)
        return self.text[start:start + length]

    def create(self):
        path = os.path.join(self.top, str(self.made % MIX_FOLDERS), f"file{self.made}")
        self.made += 1
        with open(path, "wb") as file:
            file.write(self.piece(500, 10000))
        self.present.append(path)

    def delete(self):
        number = self.chooser.randrange(len(self.present))
        self.present[number], self.present[-1] = self.present[-1], self.present[number]
        os.unlink(self.present.pop())


def mix_course():
    options, name = mount_option("zstd"), "small-mix"

    def mix(stage, fs):
        def work():
            Mix(fs.mount_point, stage.sizes).run()
            fs.make_durable()

        fs.make_image()
        fs.mount(options)
        stage.timed(name, fs, work)
        fs.umount()

    return Course(name, ("small",), [Test(name, options, 0.9)], [mix])


def fill_course():
    """Ours is made by butterfuse mkfs, the kernel's by mkfs.btrfs: what people get from either."""
    options, name = mount_option("none"), "small-image-fill"

    def fill(stage, fs):
        fs.make_image(SMALL_IMAGE_BYTES)
        fs.mount(options)
        content, count = random.Random(19).randbytes(INLINE_BYTES), 0
        try:
            while True:
                with open(fs.path(f"file{count:06d}"), "wb", buffering=0) as file:
                    file.write(content)
                count += 1
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        stage.record(name, fs, count)
        fs.umount()

    return Course(name, ("small",), [Test(name, options, 0.95, unit="files")], [fill])


COURSES = [*map(tree_course, ("zstd", "none")), fsync_course(), mix_course(), fill_course()]
