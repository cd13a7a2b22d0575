# SPDX-License-Identifier: GPL-2.0-or-later
"""Rooms: folders of sources, one above the other."""
import collections
import os
import re

import exceptions
from tree import ROOM_TOPS, Finding, top_of

# From the ground up; a room includes itself and rooms before it.
ROOMS = ["core/base", "core/ondisk", "compress", "core/device", "core/cache", "core/extent", "core/volume", "core/btree",
         "core/csum", "core/free_space", "core/chunk", "core/alloc", "core/extent_tree", "core/delalloc", "core/transaction",
         "core/items", "core/log", "core/verity", "core/read", "core/scrub", "core/writeback", "core/file_data", "core/mkfs",
         "core/check", "core/survey", "core/repair", "fs/options", "fs/inode", "fs/durability",
         "fs/mount", "fs/attributes", "fs/names", "fs/data", "fs/control", "butterfuse", "fs/fuse", "fs/session", "cli/process",
         "cli/mounts", "cli/manual", "cli"]
# Rooms side by side: neither may see the other.
APART = [("core/mkfs", "core/check"), ("core/mkfs", "core/writeback"), ("core/check", "core/writeback"),
         ("fs/names", "fs/data")]
OFFLINE = ("core/mkfs", "core/check", "core/survey", "core/repair")
SOURCES_MAX = 40
INCLUDE = re.compile(r'#include "((.*)/([^/]+))"')


def includes(tree, path):
    for number, line in tree.numbered(path):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


def includes_point_down(tree):
    """A room knows only the rooms below it: so each can be read, tested and replaced without those above."""
    for path in tree.sources():
        room = os.path.dirname(path)
        if room not in ROOMS:
            continue
        for line, _, target in includes(tree, path):
            if room.startswith("fs/") and target in OFFLINE:
                yield Finding(path, line, f"includes {target} from {room}: a mount knows nothing of the offline tools")
            elif target in ROOMS and ROOMS.index(target) > ROOMS.index(room):
                yield Finding(path, line, f"includes {target} from {room}, upward: "
                                          "move the shared part down or pass an interface")
            elif (room, target) in APART or (target, room) in APART:
                yield Finding(path, line, f"includes {target} from {room}: these rooms stand side by side")


def every_room_has_a_floor(tree):
    """A room that is not in the list of floors is bound by no rule about includes."""
    for room, paths in tree.rooms().items():
        if top_of(room) in ROOM_TOPS and room not in ROOMS:
            yield Finding(room, 0, "is in no list: give it its place among ROOMS in scripts/lint.d/rooms.py")


# ---- circles ----

def stem_of(path):
    return os.path.splitext(path)[0]


# {stem: {stem it includes: (path, line)}}; header and source of one name are one.
def include_graph(tree):
    graph = collections.defaultdict(dict)
    for path in tree.sources():
        graph[stem_of(path)]
        for line, target, _ in includes(tree, path):
            if stem_of(target) != stem_of(path):
                graph[stem_of(path)].setdefault(stem_of(target), (path, line))
    return graph


# The shortest way from a stem back to itself, as stems; empty where there is none.
def way_back(graph, start):
    came_from = {}
    queue = collections.deque([start])
    while queue:
        stem = queue.popleft()
        for target in graph[stem] if stem in graph else ():
            if target == start:
                way = [stem]
                while way[0] != start:
                    way.insert(0, came_from[way[0]])
                return way
            if target not in came_from:
                came_from[target] = stem
                queue.append(target)
    return []


def no_circles(tree):
    """A file can be understood with what is above it unseen only if nothing leads from it back to itself."""
    graph = include_graph(tree)
    circling, told = collections.defaultdict(set), set()
    for stem in sorted(graph):
        way = way_back(graph, stem)
        room, name = os.path.split(stem)
        if not way:
            continue
        circling[room].add(name)
        if name in exceptions.CIRCLES.get(room, ((), ""))[0] or told.intersection(way):
            continue
        told.update(way)
        places = [graph[one][other] for one, other in zip(way, way[1:] + way[:1])]
        lines = ", ".join(f"{os.path.basename(path)}:{line}" for path, line in places)
        yield Finding(*places[0], f"is in a circle of includes ({lines}): cut one, moving what both need into a file below")
    for room, (names, _) in exceptions.CIRCLES.items():
        for name in sorted(names - circling[room]) if top_of(room) in tree.folders else ():
            yield Finding(room, 0, f"{name} is in no circle any more: take it off CIRCLES in scripts/lint.d/exceptions.py")


# ---- size and sign ----

def rooms_are_small(tree):
    """Whoever looks for a file finds it by its name in `ls`, if the names fit one look."""
    counts = {room: len(paths) for room, paths in tree.rooms().items()}
    for room, count in sorted(counts.items()):
        most, _ = exceptions.CROWDED.get(room, (SOURCES_MAX, ""))
        if count > most:
            yield Finding(room, 0, f"has {count} sources, more than {most}: see which nouns would make a room of their own")
    for room, (most, _) in exceptions.CROWDED.items():
        if counts.get(room, 0) <= SOURCES_MAX and top_of(room) in tree.folders:
            count = counts.get(room, "no")
            yield Finding(room, 0, f"has {count} sources by now: take it off CROWDED in scripts/lint.d/exceptions.py")


# Tests beside a room are described by the room's README; programs among the tests are rooms, too.
def needs_readme(room, tree):
    mirrors = room.startswith("tests/") and room[len("tests/"):] in tree.folders
    return not mirrors and room not in ("tests/support", "tests/generic", "tests/mutations")


def rooms_have_a_readme(tree):
    """The picture of a room, its lock order and how it breaks stand in no single file of it."""
    for room in sorted(tree.rooms()):
        has = f"{room}/README.md" in tree.paths
        if not has and needs_readme(room, tree) and room not in exceptions.WITHOUT_README:
            yield Finding(room, 0, "has no README.md: write what it is for, its picture, its lock order, and how it breaks")
        if has and room in exceptions.WITHOUT_README:
            yield Finding(room, 0, "has a README.md by now: take it off WITHOUT_README in scripts/lint.d/exceptions.py")
