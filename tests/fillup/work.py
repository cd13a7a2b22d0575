# SPDX-License-Identifier: GPL-2.0-or-later
"""Work: random operations on a full mount, each checked against what was acknowledged before."""
import contextlib
import errno
import os
import random

KIB = 1024


class Violation(Exception):
    pass


@contextlib.contextmanager
def opened(path, flags):
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Work:
    """`known`: what files that were touched hold, by path. An operation that fails leaves what it was to change open: that is
    read back, and holds from then on."""

    def __init__(self, setting, folder, tops, names):
        """`names`: of the files that each of the directories `tops` has."""
        self.folder = folder
        self.random = random.Random(f"work {setting.seed}")
        self.known = {}
        self.refused = 0
        self.made = 0
        self.tops, self.names = tops, names

    # ---- what there is ----
    def pick(self):
        """A path that exists, most often one not touched before, of any snapshot; or None."""
        if self.known and (not self.names or self.random.random() < 0.4):
            alive = [path for path, data in self.known.items() if data is not None]
            if alive:
                return self.random.choice(alive)
        if not self.names:
            return None
        path = f"{self.random.choice(self.tops)}/{self.random.choice(self.names)}"
        if path not in self.known:
            with open(f"{self.folder}/{path}", "rb") as file:
                self.known[path] = bytearray(file.read())
        return path if self.known[path] is not None else None

    def new_path(self):
        self.made += 1
        return f"{self.random.choice(self.tops)}/new{self.made}"

    # ---- comparing ----
    def read(self, path):
        with open(f"{self.folder}/{path}", "rb") as file:
            return bytearray(file.read())

    def compare(self, path, start=None, end=None):
        """The file is as known, but for [start, end), which becomes known as it is."""
        want, got = self.known[path], self.read(path)
        if start is None:
            if got != want:
                raise Violation(f"{path}: {len(got)} bytes read, {len(want)} known; first difference at "
                                f"{first_difference(want, got)}")
            return
        if got[:start] != want[:min(start, len(want))].ljust(min(start, len(got)), b"\0"):
            raise Violation(f"{path}: changed before {start}, where nothing was written: at "
                            f"{first_difference(want[:start], got[:start])} of {len(want)}, now {len(got)} bytes")
        if len(want) > end and got[end:] != want[end:]:
            raise Violation(f"{path}: changed behind {end}, where nothing was written")
        self.known[path] = got

    def compare_all(self):
        for path, data in self.known.items():
            if data is not None:
                self.compare(path)
            elif os.path.lexists(f"{self.folder}/{path}"):
                raise Violation(f"{path}: was deleted, and is there")

    # ---- operations ----
    def write(self, path, at, data):
        fd = os.open(f"{self.folder}/{path}", os.O_RDWR)
        try:
            try:
                count = os.pwrite(fd, data, at)
            except OSError as error:
                self.note(error, f"write of {len(data)} at {at} of {path}")
                count = 0
            known = self.known[path]
            if count > 0:
                known.extend(bytes(max(0, at + count - len(known))))
                known[at:at + count] = data[:count]
            if count < len(data):
                self.compare(path, at, at + len(data))
            if self.random.random() < 0.2:
                os.fsync(fd)
        finally:
            os.close(fd)

    def op_write(self):
        if path := self.pick():
            length = self.random.choice((1, 100, 4 * KIB, 4 * KIB, 20 * KIB, 130 * KIB))
            at = self.random.randrange(len(self.known[path]) + 8 * KIB)
            self.write(path, at, self.random.randbytes(length))

    def op_append(self):
        if path := self.pick():
            self.write(path, len(self.known[path]), self.random.randbytes(self.random.choice((10, 1000, 5000))))

    def op_create(self):
        path = self.new_path()
        with open(f"{self.folder}/{path}", "xb"):
            self.known[path] = bytearray()
        self.write(path, 0, self.random.randbytes(self.random.choice((0, 50, 1500, 9000))))

    def op_read(self):
        for _ in range(5):
            if path := self.pick():
                self.compare(path)

    def op_read_many(self):
        """Access times of a whole directory."""
        top = f"{self.folder}/{self.random.choice(self.tops)}"
        for name in sorted(os.listdir(top))[:300]:
            with open(f"{top}/{name}", "rb") as file:
                file.read(1)

    def op_truncate(self):
        if path := self.pick():
            known = self.known[path]
            size = self.random.choice((0, len(known) // 2, len(known) + 5000))
            try:
                os.truncate(f"{self.folder}/{path}", size)
                del known[size:]
                known.extend(bytes(size - len(known)))
            except OSError as error:
                self.note(error, f"truncation of {path} to {size}")
                self.compare(path, min(size, len(known)), max(size, len(known)))

    def op_unlink(self):
        if path := self.pick():
            os.unlink(f"{self.folder}/{path}")
            self.known[path] = None

    def op_rename(self):
        if path := self.pick():
            to = f"{path.split('/')[0]}/moved{self.made}"
            self.made += 1
            os.rename(f"{self.folder}/{path}", f"{self.folder}/{to}")
            self.known[to], self.known[path] = self.known[path], None

    def op_share(self):
        source, target = self.pick(), self.pick()
        if not source or not target or source == target:
            return
        length = min(len(self.known[source]) // 4096, self.random.choice((1, 8, 100))) * 4096
        if length == 0:
            return
        at = len(self.known[target]) // 4096 * 4096
        with opened(f"{self.folder}/{source}", os.O_RDONLY) as a, opened(f"{self.folder}/{target}", os.O_RDWR) as b:
            try:
                count = os.copy_file_range(a, b, length, 0, at)
            except OSError as error:
                self.note(error, f"sharing {length} bytes of {source} at {at} of {target}")
                count = 0
            known = self.known[target]
            if count > 0:
                known.extend(bytes(max(0, at + count - len(known))))
                known[at:at + count] = self.known[source][:count]
            if count < length:
                self.compare(target, at, at + length)

    def op_share_often(self):
        """One block, a hundred times: each is a reference of the same extent."""
        source = self.pick()
        if not source or len(self.known[source]) < 4096:
            return
        path = self.new_path()
        with opened(f"{self.folder}/{source}", os.O_RDONLY) as a, \
                opened(f"{self.folder}/{path}", os.O_RDWR | os.O_CREAT) as b:
            self.known[path] = bytearray()
            try:
                for number in range(100):
                    if os.copy_file_range(a, b, 4096, 0, number * 4096) != 4096:
                        break
                    self.known[path] += self.known[source][:4096]
            finally:
                self.compare(path, len(self.known[path]), len(self.known[path]) + 4096)

    def op_preallocate(self):
        if path := self.pick():
            with opened(f"{self.folder}/{path}", os.O_RDWR) as fd:
                try:
                    os.posix_fallocate(fd, len(self.known[path]), 64 * KIB)
                    self.known[path].extend(bytes(64 * KIB))
                except OSError as error:
                    self.note(error, f"preallocation behind {path}")
                    self.compare(path, len(self.known[path]), len(self.known[path]) + 64 * KIB)

    def op_attribute(self):
        if path := self.pick():
            os.setxattr(f"{self.folder}/{path}", f"user.x{self.random.randrange(5)}",
                        self.random.randbytes(self.random.choice((10, 1000, 3000))))

    def op_mode(self):
        if path := self.pick():
            os.chmod(f"{self.folder}/{path}", self.random.choice((0o600, 0o644)))

    def op_fsync(self):
        with opened(f"{self.folder}/{self.random.choice(self.tops)}", os.O_RDONLY) as fd:
            os.fsync(fd)

    WEIGHTS = {op_write: 30, op_append: 12, op_create: 10, op_read: 10, op_read_many: 2, op_truncate: 5, op_unlink: 6,
               op_rename: 4, op_share: 6, op_share_often: 1, op_preallocate: 3, op_attribute: 5, op_mode: 4, op_fsync: 3}

    def note(self, error, what):
        """ENOSPC is an answer; nothing else is."""
        if error.errno != errno.ENOSPC:
            raise Violation(f"{what}: {error.strerror}")
        self.refused += 1
        if os.environ.get("FILLUP_TRACE"):
            print(what, error.strerror)

    def run(self, operations):
        chosen = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()), k=operations)
        for operation in chosen:
            try:
                operation(self)
            except OSError as error:
                self.note(error, operation.__name__[3:])


def first_difference(a, b):
    for at, (left, right) in enumerate(zip(a, b)):
        if left != right:
            return at
    return min(len(a), len(b))
