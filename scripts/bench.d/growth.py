# SPDX-License-Identifier: GPL-2.0-or-later
"""Growth: what an operation costs as images, directories, files and the number of snapshots grow. Told, judged by nobody."""
import os
import statistics
import time

from filesystems import KernelBtrfs
from processes import need_program, run
from workload import Course, Test, mount_option
from workloads_streams import rewrite_at_random, write_part

OPTIONS = mount_option("none")
SAMPLE = 5000  # creations of which the cost is the mean, the last before each mark
MOUNTS = 5     # of which the time is the median
MANY_FOLDERS = 1000
IMAGE_BYTES = 32 << 30


def mount_course(sizes):
    def name_of(mib):
        return f"mount-{mib >> 10}g"

    def mounts(stage, fs):
        for mib in sizes.mount_mib:
            fs.make_image(mib << 20)
            seconds = []
            for _ in range(MOUNTS):
                start = time.monotonic()
                fs.mount(OPTIONS)
                seconds.append(time.monotonic() - start)
                fs.umount()
            stage.record(name_of(mib), fs, statistics.median(seconds))

    return Course("growth-mount", ("growth",), [Test(name_of(mib), OPTIONS) for mib in sizes.mount_mib], [mounts])


def create_course(sizes, layout, folder_of):
    """folder_of: which of the folders the file of this number goes to."""
    def name_of(mark):
        return f"create-{mark}-in-{layout}"

    def creates(stage, fs):
        fs.make_image(IMAGE_BYTES)
        fs.mount(OPTIONS)
        for number in range(folder_of(sizes.creates[-1] - 1) + 1):
            os.mkdir(fs.path(str(number)))
        starts = {}  # when the files that count for a mark began
        for number in range(sizes.creates[-1]):
            for mark in sizes.creates:
                if number == max(mark - SAMPLE, 0):
                    starts[mark] = time.monotonic()
            os.close(os.open(fs.path(str(folder_of(number)), f"file{number}"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            if number + 1 in starts:
                mark = number + 1
                stage.record(name_of(mark), fs, (time.monotonic() - starts[mark]) / min(SAMPLE, mark) * 1e6)
        fs.umount()

    return Course(f"growth-create-{layout}", ("growth",), [Test(name_of(mark), OPTIONS, unit="us") for mark in sizes.creates], [creates])


def extents_course(sizes):
    """Each second block is written, so that each is an extent of its own."""
    write, delete = f"write-{sizes.extents}-extents", f"delete-{sizes.extents}-extents"

    def make(fs):
        file = os.open(fs.path("holed"), os.O_CREAT | os.O_WRONLY, 0o644)
        for number in range(sizes.extents):
            os.pwrite(file, number.to_bytes(8, "little") * 512, number * 8192)
        os.fsync(file)
        os.close(file)

    def remove(fs):
        os.unlink(fs.path("holed"))
        fs.make_durable()

    def holed_file(stage, fs):
        fs.make_image()
        fs.mount(OPTIONS)
        stage.timed(write, fs, lambda: make(fs))
        fs.remount(OPTIONS)
        stage.timed(delete, fs, lambda: remove(fs))
        fs.umount()

    return Course("growth-extents", ("growth",), [Test(write, OPTIONS), Test(delete, OPTIONS)], [holed_file])


def snapshot_course(sizes):
    """The kernel makes the snapshots, once; each side rewrites a file of a copy of that image."""
    with_them, without = f"rewrite-{sizes.snapshots}-snapshots", "rewrite-0-snapshots"

    def image_of(stage, count):
        image = os.path.join(stage.data.folder, f"snapshots{count}.img")
        if os.path.exists(image):
            return image
        need_program("btrfs")
        folder = os.path.join(stage.data.folder, f"snapshots{count}")
        os.mkdir(folder)
        maker = KernelBtrfs(folder)
        try:
            maker.make_image()
            maker.mount(OPTIONS)
            write_part(stage.data.stream, maker.path("data"), sizes.rewrite_mib << 20)
            for number in range(count):
                with open(maker.path("data"), "r+b") as file:
                    file.seek(number % (sizes.rewrite_mib * 64) * 16384)
                    file.write(b"%016d" % number * 1024)
                run("btrfs", "subvolume", "snapshot", "-r", maker.mount_point, maker.path(f"snapshot{number}"))
            maker.umount()
        finally:
            maker.leave()
        os.rename(maker.image, image)
        return image

    def rewrite(stage, fs):
        for name, count in ((without, 0), (with_them, sizes.snapshots)):
            run("cp", "--sparse=always", image_of(stage, count), fs.image)
            fs.mount(OPTIONS)
            stage.timed(name, fs, lambda: rewrite_at_random(fs.path("data")))
            fs.umount()

    return Course("growth-snapshots", ("growth",), [Test(without, OPTIONS), Test(with_them, OPTIONS)], [rewrite])


def courses(sizes):
    return [mount_course(sizes), create_course(sizes, "one", lambda number: 0),
            create_course(sizes, "many", lambda number: number % MANY_FOLDERS), extents_course(sizes), snapshot_course(sizes)]
