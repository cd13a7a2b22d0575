# SPDX-License-Identifier: GPL-2.0-or-later
"""Workload: what is measured and what it must reach, the courses that measure it, and the sizes of it all."""
import collections
import time

# One figure. name, mount options, then one of: floor, the least ratio that is asked for; most, of a figure of butterfuse alone.
# unit: "s" or "us", less is better; others, more is better. No floor: the figure is told and judged by nobody.
Test = collections.namedtuple("Test", "name options floor most unit", defaults=(None, None, "s"))

# A name, the groups it belongs to, the tests it measures, and its phases: functions of (stage, fs), of which each is done
# on both sides before the next begins. Each leaves nothing mounted.
Course = collections.namedtuple("Course", "name groups tests phases")

Sizes = collections.namedtuple("Sizes", "stream_mib files rewrite_mib random_reads small_syncs git_files git_commits packages "
                               "package_files sources inserts_by_1 inserts_by_100 dbench_seconds mix_files mix_steps "
                               "beside_syncs stats writers latency_seconds fio_mib mount_mib creates extents snapshots")
FULL = Sizes(stream_mib=1024, files=20000, rewrite_mib=128, random_reads=2000, small_syncs=400, git_files=4000, git_commits=40,
             packages=80, package_files=50, sources=40, inserts_by_1=2000, inserts_by_100=20000, dbench_seconds=20,
             mix_files=5000, mix_steps=20000, beside_syncs=50, stats=4000, writers=120, latency_seconds=15, fio_mib=256,
             mount_mib=[1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20], creates=[10_000, 100_000, 400_000],
             extents=100_000, snapshots=200)
QUICK = FULL._replace(stream_mib=256, files=4000, rewrite_mib=32, random_reads=500, small_syncs=100, git_files=1000,
                      git_commits=10, packages=20, package_files=30, sources=10, inserts_by_1=500, inserts_by_100=10000,
                      dbench_seconds=5, mix_files=1000, mix_steps=4000, beside_syncs=15, latency_seconds=5,
                      fio_mib=32, mount_mib=[1 << 10, 1 << 14, 1 << 20], creates=[1_000, 5_000, 20_000], extents=5_000,
                      snapshots=20)

LESS_IS_BETTER = ("s", "us")


class Stage:
    """What a phase has: the data, the sizes, the butterfuse side, and where figures go."""

    def __init__(self, data, sizes, wanted):
        self.data, self.sizes, self.wanted = data, sizes, wanted
        self.values = {}  # (test, file system) -> one value of each round
        self.notes = {}   # (test, file system) -> what else is worth telling
        self.of_butterfuse = None

    def record(self, test, fs, value, note=None):
        if test not in self.wanted:
            return
        self.values.setdefault((test, fs.name), []).append(value)
        if note:
            self.notes[(test, fs.name)] = note

    def timed(self, test, fs, function):
        start = time.monotonic()
        function()
        self.record(test, fs, time.monotonic() - start)

    def wants(self, *tests):
        """Whether one of them is to be measured: what no later test needs is left out otherwise."""
        return any(test in self.wanted for test in tests)


def mount_option(codec):
    return "compress=" + ("no" if codec == "none" else codec)
