# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs: what people run on a file system: git, npm, a build in C++, a database, dbench.

Each is first done outside of the mount, unmeasured: it and what it reads are in the page cache then, for both sides alike.
"""
import contextlib
import os
import re
import shutil
import subprocess

from processes import Skip, need_program, run, warm_programs
from workload import Course, Test, mount_option

OPTIONS = mount_option("zstd")
FLOOR = 0.9
THROUGHPUT = re.compile(r"^Throughput ([\d.]+) MB/sec", re.M)


@contextlib.contextmanager
def trial(stage):
    """A folder that is there for the block, and goes."""
    folder = os.path.join(stage.data.folder, "trial")
    os.mkdir(folder)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def mounted(fs):
    fs.make_image()
    fs.mount(OPTIONS)
    yield
    fs.umount()


def git(stage, fs):
    repository, clone = stage.data.repository, fs.path("clone")

    def fetch(target):
        run("git", "clone", "-q", "file://" + repository, target)

    def fetch_durably():
        fetch(clone)
        fs.make_durable()

    with trial(stage) as folder:
        fetch(os.path.join(folder, "clone"))
    with mounted(fs):
        stage.timed("git-clone", fs, fetch_durably)
        if stage.wants("git-status"):
            fs.remount(OPTIONS)
            warm_programs("git")
            stage.timed("git-status", fs, lambda: run("git", "-C", clone, "status", "--porcelain"))


def npm(stage, fs):
    try:
        template, flags = stage.data.packages, stage.data.npm_flags
    except subprocess.CalledProcessError as error:
        raise Skip(f"npm can't lock packages without a network: {error.stderr.decode(errors='replace').strip()[-200:]}") from error

    # The folder stands beside the one that the tarballs are in, as the lock file has it.
    def install(folder):
        run("npm", "ci", *flags, cwd=os.path.join(folder, "project"), env=stage.data.npm_environment)

    def install_durably():
        install(fs.mount_point)
        fs.make_durable()

    with trial(stage) as folder:
        shutil.copytree(template, os.path.join(folder, "project"))
        install(folder)
    with mounted(fs):
        shutil.copytree(template, fs.path("project"))
        stage.timed("npm-ci", fs, install_durably)


def build(stage, fs):
    sources, top = stage.data.sources, fs.path("sources")

    def make():
        run("make", "-s", "-j2", "-C", top)
        fs.make_durable()

    with trial(stage) as folder:
        run("g++", "-std=c++17", "-O1", "-o", os.path.join(folder, "part0"), "-shared", "-fPIC", os.path.join(sources, "part0.cc"))
    with mounted(fs):
        shutil.copytree(sources, top)
        fs.make_durable()
        stage.timed("cxx-build", fs, make)


def insert(sqlite3, path, count, at_once):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("create table entries (number integer primary key, text text)")
    for start in range(0, count, at_once):
        database.execute("begin")
        for number in range(start, min(start + at_once, count)):
            database.execute("insert into entries values (?, ?)", (number, f"entry {number} of {count}, with some text behind it"))
        database.execute("commit")
    database.close()


# Python's own sqlite3: the same library, and no program beside it that has to be started.
def sqlite_course(at_once):
    name = f"sqlite-by-{at_once}"

    def inserts(stage, fs):
        try:
            import sqlite3
        except ImportError as error:
            raise Skip(f"sqlite3: this Python has none ({error})") from error
        count = stage.sizes.inserts_by_1 if at_once == 1 else stage.sizes.inserts_by_100
        with mounted(fs):
            stage.timed(name, fs, lambda: insert(sqlite3, fs.path("entries.db"), count, at_once))
        stage.notes[(name, fs.name)] = f"{count} inserts"

    return Course(name, ("program", "sqlite"), [Test(name, OPTIONS, FLOOR)], [inserts])


def dbench(stage, fs):
    need_program("dbench")
    with mounted(fs):
        done = subprocess.run(["dbench", "-D", fs.mount_point, "-t", str(stage.sizes.dbench_seconds), "2"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
        found = THROUGHPUT.search(done.stdout)
        if not found:
            raise OSError("dbench told no throughput: " + done.stdout[-200:].strip())
        stage.record("dbench-2", fs, float(found[1]))


def course(name, tests, phase):
    return Course(name, ("program",), tests, [phase])


COURSES = [course("git", [Test("git-clone", OPTIONS, FLOOR), Test("git-status", OPTIONS, FLOOR)], git),
           course("npm", [Test("npm-ci", OPTIONS, FLOOR)], npm),
           course("build", [Test("cxx-build", OPTIONS, FLOOR)], build),
           sqlite_course(1), sqlite_course(100),
           course("dbench", [Test("dbench-2", OPTIONS, FLOOR, unit="MB/s")], dbench)]
