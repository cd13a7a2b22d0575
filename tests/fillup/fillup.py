#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Works on full file systems, one seed after another. See README.md and scripts/fillup."""
import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import image as images  # noqa: E402
from daemon import Daemon  # noqa: E402
from setting import Setting  # noqa: E402
from work import Violation, Work  # noqa: E402

BTRFS_IOC_SYNC = 0x9408
OPERATIONS = 1000


def sync(folder):
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, BTRFS_IOC_SYNC)
    finally:
        os.close(fd)


def check(program, image, log):
    with open(log, "ab") as out:
        found = subprocess.run([program, "check", image], capture_output=True, text=True, errors="replace", check=False)
        if found.returncode != 0:
            out.write(found.stdout.encode())
            raise Violation(f"check: {found.stdout.splitlines()[:2]}")
        if shutil.which("btrfs") and \
                subprocess.run(["btrfs", "check", image], stdout=out, stderr=out, check=False).returncode != 0:
            raise Violation("btrfs check finds errors")


def run_one(program, setting, place, operations):
    """How many operations were refused."""
    image, folder, log = f"{place}/image", f"{place}/mnt", f"{place}/log"
    os.makedirs(folder, exist_ok=True)
    tops, names = images.make(setting, program, image, folder, log)
    daemon = Daemon(program, image, folder, setting.options, log)
    work = Work(setting, folder, tops, names)
    try:
        work.run(operations)
        if setting.kill:
            sync(folder)
    except (Violation, OSError) as error:
        daemon.kill()
        raise Violation(f"{error}; {daemon.last_line()}") from error
    if setting.kill:
        daemon.kill()
    elif (status := daemon.unmount()) != 0:
        raise Violation(f"the daemon ended with {status}: {daemon.last_line()}")
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if "turns read-only" in line or "please report" in line:
                raise Violation(line.strip())
    daemon = Daemon(program, image, folder, "", log)
    try:
        work.compare_all()
    finally:
        daemon.unmount()
    check(program, image, log)
    return work.refused


def main():
    parser = argparse.ArgumentParser(description="works on full file systems")
    parser.add_argument("-b", "--program", required=True, help="the butterfuse to test")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--operations", type=int, default=OPERATIONS, help="of each run")
    parser.add_argument("--keep", help="keep what a violation leaves in this folder")
    given = parser.parse_args()
    kernel, failed, refused, begin = images.kernel_has_btrfs(), 0, 0, time.time()
    for seed in range(given.seed, given.seed + given.runs):
        setting = Setting(seed, kernel)
        place = tempfile.mkdtemp(prefix="butterfuse-fillup-")
        try:
            refused += run_one(os.path.abspath(given.program), setting, place, given.operations)
        except (Violation, AssertionError, subprocess.CalledProcessError) as error:
            failed += 1
            detail = error.stderr.decode().strip() if isinstance(error, subprocess.CalledProcessError) else ""
            print(f"VIOLATION {setting}\n  {error} {detail}", flush=True)
            if given.keep:
                shutil.copytree(place, f"{given.keep}/seed{seed}", dirs_exist_ok=True)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        if sys.stderr.isatty():
            print(f"\r{seed - given.seed + 1} of {given.runs}, {failed} violations", end="", file=sys.stderr, flush=True)
    print(f"{given.runs} runs of {given.operations} operations, {refused} refused for lack of space, {failed} violations, "
          f"{time.time() - begin:.0f} s{'' if kernel else ' (no kernel btrfs: no snapshots)'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
