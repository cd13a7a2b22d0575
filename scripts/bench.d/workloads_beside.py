# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside others: what someone waits for while others write at full speed; and what memory it all takes."""
import os
import random
import subprocess
import time

from processes import as_user, in_background, p99, run
from workload import Course, Test, mount_option

LOUD_USER, QUIET_USER = 1, 65534
STAT_PAUSE, WARM_UP_SECONDS = 0.001, 3
PROMISED_RATIO, MEMORY_MIB = 5, 256


def write_without_end(path, block, blocks=1024):
    with open(path, "wb", buffering=0) as file:
        while True:
            file.seek(0)
            for _ in range(blocks):
                file.write(block)


def fsync_beside_writer(stage, fs):
    """The writer's data shrinks to a third or so: compressing it is work."""
    with open(stage.data.stream, "rb") as source:
        block = source.read(1 << 20)

    def syncs():
        file = os.open(fs.path("small"), os.O_CREAT | os.O_WRONLY, 0o644)
        for number in range(stage.sizes.beside_syncs):
            os.pwrite(file, bytes([number & 255]) * 4096, number * 4096)
            os.fsync(file)
            time.sleep(0.01)
        os.close(file)

    fs.make_image()
    fs.mount(mount_option("zstd"))
    with in_background([lambda: write_without_end(fs.path("stream"), block)]):
        time.sleep(WARM_UP_SECONDS)
        stage.timed("fsync-beside-writer", fs, syncs)
    fs.umount()


def stat_each(paths, report):
    latencies = []
    for path in paths:
        begin = time.perf_counter()
        os.stat(path)
        latencies.append(time.perf_counter() - begin)
        time.sleep(STAT_PAUSE)
    with open(report, "w") as out:
        out.write("\n".join(map(str, latencies)))


def stat_p99(fs, paths, folder):
    report = os.path.join(folder, "latencies")
    with open(report, "w"):
        os.chmod(report, 0o666)
    child = as_user(QUIET_USER, lambda: stat_each(paths, report))
    if os.waitpid(child, 0)[1] != 0:
        raise OSError(f"user {QUIET_USER} could not stat the files of {fs.mount_point}: may others enter the folders above it?")
    with open(report) as lines:
        return p99([float(line) for line in lines])


def stat_beside_writers(stage, fs):
    """Names and attributes are forgotten by the kernel (echo 2 > drop_caches) before either half is asked for."""
    if fs.name == "kernel":
        return
    options, sizes = "compress=zstd,allow_other", stage.sizes
    fs.make_image()
    fs.mount(options)
    paths = [fs.path("quiet", f"file{number}") for number in range(sizes.stats)]
    for name, user in (("quiet", QUIET_USER), ("loud", LOUD_USER)):
        os.mkdir(fs.path(name))
        os.chown(fs.path(name), user, user)
    for path in paths:
        with open(path, "wb") as file:
            file.write(b"some text")
    fs.make_durable()
    with open("/proc/sys/vm/drop_caches", "w") as control:
        control.write("2\n")
    half, block = len(paths) // 2, random.Random(23).randbytes(1 << 20)
    idle = stat_p99(fs, paths[:half], stage.data.folder)
    writers = [lambda number=number: write_without_end(fs.path("loud", f"file{number}"), block, 16)
               for number in range(sizes.writers)]
    with in_background(writers, LOUD_USER):
        time.sleep(WARM_UP_SECONDS)
        beside = stat_p99(fs, paths[half:], stage.data.folder)
    fs.umount()
    stage.record("stat-p99-beside-writers", fs, beside / idle, f"{idle * 1e6:.0f} us idle, {beside * 1e6:.0f} us beside")


def all_sorts(stage, fs):
    """Default options; what fills the caches: a stream, a tree, both again, and pieces in an order of chance."""
    if fs.name == "kernel":
        return
    fs.make_image()
    fs.mount()
    run("dd", f"if={stage.data.stream}", f"of={fs.path('data')}", "bs=1M", "status=none")
    run("tar", "-xf", stage.data.archive, "-C", fs.mount_point)
    run("tar", "-cf", "/dev/zero", "-C", fs.mount_point, ".")
    chooser = random.Random(29)
    with open(fs.path("data"), "r+b", buffering=0) as file:
        for _ in range(2000):
            file.seek(chooser.randrange(stage.sizes.stream_mib) << 20)
            file.write(b"a piece of text" * 1000)
    fs.make_durable()
    fs.umount()


def run_domain_latency(script, binary, seconds):
    """(exit status, what it said) of scripts/domain-latency."""
    done = subprocess.run([script, "-b", binary, "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout.strip()


MEMORY = Test("memory-peak", "", most=MEMORY_MIB, unit="MiB")  # of all courses: the report takes it from the file systems
LATENCY = Test("write-p99-beside-writer", "compress=zstd", most=PROMISED_RATIO, unit="x idle")
COURSES = [Course("fsync-beside-writer", ("beside",), [Test("fsync-beside-writer", mount_option("zstd"), 0.5)], [fsync_beside_writer]),
           Course("stat-beside-writers", ("beside",),
                  [Test("stat-p99-beside-writers", "compress=zstd", most=PROMISED_RATIO, unit="x idle")], [stat_beside_writers]),
           Course("memory", ("memory",), [MEMORY], [all_sorts]),
           Course("domain-latency", ("latency",), [LATENCY], [])]
