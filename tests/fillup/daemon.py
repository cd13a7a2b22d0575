# SPDX-License-Identifier: GPL-2.0-or-later
"""Daemon: the program under test, serving one image in the foreground."""
import os
import subprocess
import time


def is_mount(folder):
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return any(line.split()[4] == folder for line in table)


class Daemon:
    def __init__(self, program, image, folder, options, log):
        self.folder, self.log = folder, log
        options = [option for option in ("commit=300", options) if option]
        environment = dict(os.environ, BUTTERFUSE_ASSERT_PROMISES="1")
        with open(log, "ab") as out:
            self.process = subprocess.Popen([program, "mount", "-f", "-o", ",".join(options), image, folder], stdout=out,
                                            stderr=out, stdin=subprocess.DEVNULL, env=environment)
        for _ in range(1200):
            if is_mount(folder):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(f"no mount: {self.last_line()}")

    def last_line(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().splitlines()
        return lines[-1] if lines else "(nothing logged)"

    def unmount(self):
        """The daemon's exit status."""
        for _ in range(100):
            if subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode == 0:
                break
            if not is_mount(self.folder):
                break
            time.sleep(0.1)
        return self.process.wait(120)

    def kill(self):
        self.process.kill()
        self.process.wait()
        subprocess.run(["umount", "-l", self.folder], capture_output=True, check=False)
