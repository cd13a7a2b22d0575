# SPDX-License-Identifier: GPL-2.0-or-later
"""Streams: one large file, written, read from one end to the other and here and there, and rewritten in pieces."""
import os
import random

from filesystems import drop_caches
from processes import need_program, run, warm_file, warm_programs
from workload import Course, Test, mount_option

PAGE, PIECE = 4096, 16384
WRITE_FLOORS = {"zstd": 1.3, "zlib": 2.0, "lzo": 0.8, "none": 1.2}
READ_FLOORS = {"zstd": 1.2, "zlib": 0.6, "lzo": 0.6, "none": 0.9}
RANDOM_READ_FLOORS = {"zstd": 1.0, "none": 1.2}


def read_at_random(path, count):
    chooser, pages = random.Random(7), os.path.getsize(path) // PAGE
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
    for _ in range(count):
        os.pread(file, PAGE, chooser.randrange(pages) * PAGE)
    os.close(file)


def rewrite_at_random(path, seed=5):
    """Each piece of the file once, in an order of chance, with what stands elsewhere in it; then fsync."""
    file = os.open(path, os.O_RDWR)
    pieces = os.fstat(file).st_size // PIECE
    new = os.pread(file, PIECE * 64, 0)
    order = list(range(pieces))
    random.Random(seed).shuffle(order)
    for number in order:
        at = number % 63 * PIECE + seed
        os.pwrite(file, new[at:at + PIECE], number * PIECE)
    os.fsync(file)
    os.close(file)


def write_part(source, target, size):
    with open(source, "rb") as data, open(target, "wb") as out:
        while size > 0:
            out.write(piece := data.read(min(size, 1 << 20)))
            if not piece:
                data.seek(0)
            size -= len(piece)
        out.flush()
        os.fsync(out.fileno())


def stream_course(codec):
    options = mount_option(codec)
    write, read, random_read = f"write-{codec}", f"read-{codec}", f"random-read-{codec}"
    tests = [Test(write, options, WRITE_FLOORS[codec]), Test(read, options, READ_FLOORS[codec])]
    if codec in RANDOM_READ_FLOORS:
        tests.append(Test(random_read, options, RANDOM_READ_FLOORS[codec]))

    def write_all(stage, fs):
        source = stage.data.stream
        if fs is not stage.of_butterfuse and not stage.wants(write):
            return
        fs.make_image()
        fs.mount(options)
        warm_file(source)
        warm_programs("dd")
        stage.timed(write, fs, lambda: run("dd", f"if={source}", f"of={fs.path('data')}", "bs=1M", "conv=fsync", "status=none"))
        fs.umount()
        stage.notes[(write, fs.name)] = f"image {os.stat(fs.image).st_blocks * 512 / 2**20:.0f} MiB"

    # Both read what butterfuse wrote: they do not find the same data worth compressing, and what is stored as it is costs
    # nothing to expand.
    def read_all(stage, fs):
        image = stage.of_butterfuse.image
        if stage.wants(read):
            drop_caches(image)
            fs.mount(options, image)
            warm_programs("dd")
            stage.timed(read, fs, lambda: run("dd", f"if={fs.path('data')}", "of=/dev/null", "bs=1M", "status=none"))
            fs.umount()
        if stage.wants(random_read):
            drop_caches(image)
            fs.mount(options, image)
            stage.timed(random_read, fs, lambda: read_at_random(fs.path("data"), stage.sizes.random_reads))
            fs.umount()

    return Course(f"stream-{codec}", ("stream", codec), tests, [write_all, read_all])


def rewrite_course(codec):
    options, name = mount_option(codec), f"rewrite-16k-{codec}"

    def rewrite(stage, fs):
        fs.make_image()
        fs.mount(options)
        write_part(stage.data.stream, fs.path("data"), stage.sizes.rewrite_mib << 20)
        fs.remount(options)
        stage.timed(name, fs, lambda: rewrite_at_random(fs.path("data")))
        fs.umount()

    return Course(name, ("stream", "rewrite", codec), [Test(name, options, 1.0)], [rewrite])


# Name -> what fio is told. The last writes and reads in one job.
FIO_JOBS = {"seq-write": ["--rw=write", "--bs=1M"], "seq-read": ["--rw=read", "--bs=1M"],
            "rand-write": ["--rw=randwrite", "--bs=4k"], "rand-read": ["--rw=randread", "--bs=4k"],
            "rand-mix": ["--rw=randrw", "--rwmixread=70", "--bs=16k"]}


def fio_course():
    options = mount_option("zstd")

    def jobs(stage, fs):
        need_program("fio")
        fs.make_image()
        fs.mount(options)
        for name, words in FIO_JOBS.items():
            command = ["fio", "--name=job", f"--filename={fs.path('data')}", f"--size={stage.sizes.fio_mib}M", "--ioengine=psync",
                       "--end_fsync=1", "--randseed=3", "--buffer_compress_percentage=50", *words]
            if name.endswith("read"):
                fs.remount(options)
            warm_programs("fio")
            stage.timed(f"fio-{name}", fs, lambda: run(*command))
        fs.umount()

    return Course("fio", ("program", "fio"), [Test(f"fio-{name}", options) for name in FIO_JOBS], [jobs])


COURSES = [*map(stream_course, ("zstd", "none", "zlib", "lzo")), *map(rewrite_course, ("zstd", "none")), fio_course()]
