# SPDX-License-Identifier: GPL-2.0-or-later
"""Runner: the courses round by round, each on both sides in turn, with a word to a person who waits."""
import contextlib
import os
import subprocess
import sys
import time

from processes import Skip


class Progress:
    """One line that changes on a terminal, otherwise one line a step; on stderr."""

    def __init__(self):
        self.start, self.terminal = time.monotonic(), sys.stderr.isatty()

    def tell(self, text):
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        line = f"{minutes:3d}:{seconds:02d} {text}"
        print("\r\033[K" + line if self.terminal else line, end="" if self.terminal else "\n", file=sys.stderr, flush=True)

    def done(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Runner:
    def __init__(self, stage, systems, rounds):
        self.stage, self.systems, self.rounds = stage, systems, rounds
        self.left_out = {}  # course -> ("SKIP" or "FAILED", why)
        self.progress = Progress()

    def run(self, courses):
        for number in range(self.rounds):
            # Who begins changes from round to round: neither always finds what the other left in the caches.
            order = self.systems if number % 2 == 0 else self.systems[::-1]
            for course in courses:
                if course.name not in self.left_out:
                    self.run_course(course, order, f"round {number + 1}/{self.rounds}")
        self.progress.done()

    def run_course(self, course, order, where):
        try:
            for phase in course.phases:
                for fs in filter(lambda each: each.serves(course), order):
                    self.progress.tell(f"{where}: {course.name} on {fs.label}")
                    fs.course = course.name
                    phase(self.stage, fs)
        except Skip as reason:
            self.left_out[course.name] = ("SKIP", str(reason))
        except (OSError, subprocess.SubprocessError) as error:
            self.left_out[course.name] = ("FAILED", reason_of(error))
        for fs in self.systems:
            fs.leave()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fs.image)


def reason_of(error):
    said = (getattr(error, "stderr", None) or b"").strip()
    said = said.decode(errors="replace") if isinstance(said, bytes) else said
    return " ".join(f"{error} {said}".split())
