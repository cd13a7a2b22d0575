# SPDX-License-Identifier: GPL-2.0-or-later
"""Tree: the files that are judged, by path; read from a folder, or given as texts (for the self-test)."""
import collections
import os

TOPS = (".ci", "butterfuse", "cli", "cmake", "compress", "core", "docs", "examples", "fs", "scripts", "tests")
# Where the rooms are; tests mirror them.
ROOM_TOPS = ("butterfuse", "cli", "compress", "core", "fs")

# What to do, and where. Line 0: the whole file or folder.
Finding = collections.namedtuple("Finding", "path line message")


class Tree:
    def __init__(self, texts=None, root=None):
        self.root = root
        self.texts = dict(texts or {})
        self.paths = sorted(self.texts if root is None else self._walk())
        self.folders = {os.path.dirname(path) for path in self.paths}
        for folder in list(self.folders):
            while folder := os.path.dirname(folder):
                self.folders.add(folder)

    def _walk(self):
        for name in os.listdir(self.root):
            if os.path.isfile(os.path.join(self.root, name)):
                yield name
        for top in TOPS:
            for folder, below, names in os.walk(os.path.join(self.root, top)):
                below[:] = [name for name in below if name not in ("__pycache__", "build")]
                for name in names:
                    yield os.path.relpath(os.path.join(folder, name), self.root)

    def text(self, path):
        if path not in self.texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self.texts[path] = file.read()
        return self.texts[path]

    def lines(self, path):
        return self.text(path).split("\n")

    def numbered(self, path):
        return enumerate(self.lines(path), 1)

    # Headers and sources, those of the tests included.
    def sources(self):
        return [path for path in self.paths if path.endswith((".h", ".cc")) and top_of(path) in (*ROOM_TOPS, "tests")]

    # Programs in shell and Python, and what they source or import.
    def scripts(self):
        return [path for path in self.paths if top_of(path) in (".ci", "scripts", "tests")
                and (path.endswith((".py", ".sh")) or "." not in os.path.basename(path))]

    def documents(self):
        return [path for path in self.paths if path.endswith(".md")]

    # Sources by the folder that they are directly in.
    def rooms(self):
        rooms = collections.defaultdict(list)
        for path in self.sources():
            rooms[os.path.dirname(path)].append(path)
        return rooms


def top_of(path):
    return path.split("/", 1)[0]
