# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes: programs that are run to their end, and children that work in the background until they are ended."""
import contextlib
import os
import shutil
import signal
import statistics
import subprocess


class Skip(Exception):
    """A workload that can't be run here, and why."""


def run(*command, **kwargs):
    """Runs it silently; what it wrote to stderr is in the error when it fails."""
    return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **kwargs)


def need_program(name, why="it is not installed"):
    if not shutil.which(name):
        raise Skip(f"{name}: {why}")


def warm_file(path):
    """Reads it, so that it is in the page cache for both sides alike."""
    with open(path, "rb") as file:
        while file.read(1 << 22):
            pass


def warm_programs(*names):
    """The same for programs and their libraries, which drop_caches() forgets as well."""
    for name in names:
        run(name, "--version")


def as_user(user, work):
    """Runs work() in a child process of that user (None: of whoever runs this); returns its pid."""
    pid = os.fork()
    if pid == 0:
        status = 1
        with contextlib.suppress(BaseException):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever made it ends it
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            work()
            status = 0
        os._exit(status)
    return pid


@contextlib.contextmanager
def in_background(works, user=None):
    """Children that each do one of the works for as long as the block lasts."""
    children = []
    try:
        for work in works:
            children.append(as_user(user, work))
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def p99(values):
    return statistics.quantiles(values, n=100)[98]
