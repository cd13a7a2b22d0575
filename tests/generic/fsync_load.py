#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random changes with fsyncs in between, and what must be left of them after a crash.

  fsync_load.py run DIR MODEL SEED OPERATIONS    changes DIR, writes to MODEL what a crash now may leave
  fsync_load.py verify DIR MODEL                 complains of what it may not; exit status 1
  fsync_load.py dump DIR                         names, inodes, modes, links, sizes, contents, xattrs, one a line

For each inode MODEL has all states since it was last durable (its own fsync, or a sync): one of these must be
there, block by block, under one of its names since then. For each directory the same of each name.
"""
import hashlib
import os
import pickle
import random
import stat
import sys

BLOCK = 4096
KEEP_SIZE, PUNCH_HOLE = 1, 2  # of fallocate(2)


class Node:
    def __init__(self, ino, kind, content=b""):
        self.ino, self.kind, self.content, self.mode, self.xattrs = ino, kind, content, None, {}
        self.names = set()       # (parent inode, name)
        self.durable = False     # it must be there
        self.entries = {}        # of directories: name -> inode
        self.entry_history = {}  # name -> values since the directory was durable; None: absent
        self.forget_history()

    def forget_history(self):
        self.contents, self.modes, self.xattr_states = [self.content], {self.mode}, [dict(self.xattrs)]
        self.past_names = set(self.names)
        self.entry_history = {name: {ino} for name, ino in self.entries.items()}

    def make_durable(self):
        self.forget_history()
        self.durable = True

    def set_content(self, content):
        self.content = content
        self.contents.append(content)

    def set_entry(self, name, ino):
        self.entry_history.setdefault(name, {None if name not in self.entries else self.entries[name]})
        self.entry_history[name].add(ino)
        if ino is None:
            self.entries.pop(name, None)
        else:
            self.entries[name] = ino


class Load:
    def __init__(self, top, seed):
        self.top, self.random = top, random.Random(seed)
        self.nodes = {}
        root = os.stat(top)
        self.root = self.nodes[root.st_ino] = Node(root.st_ino, "d")
        self.root.mode = stat.S_IMODE(root.st_mode)
        self.paths = {root.st_ino: top}  # of directories
        self.root.make_durable()

    # ---- names
    def path(self, parent, name):
        return os.path.join(self.dir_path(parent), name)

    def dir_path(self, ino):
        node = self.nodes[ino]
        if node is self.root:
            return self.top
        parent, name = next(iter(node.names))
        return os.path.join(self.dir_path(parent), name)

    def some_path(self, node):
        return self.top if node is self.root else self.path(*self.random.choice(sorted(node.names)))

    def pick(self, kinds):
        nodes = [n for n in self.nodes.values() if n.kind in kinds and (n.names or n is self.root)]
        return self.random.choice(nodes) if nodes else None

    def pick_name(self):
        return self.random.choice("abcdefgh") + self.random.choice(["", "1", "-long-name-" * 3])

    def link_name(self, node, parent, name):
        node.names.add((parent.ino, name))
        node.past_names.add((parent.ino, name))
        parent.set_entry(name, node.ino)

    def drop_name(self, node, parent, name):
        node.names.discard((parent.ino, name))
        parent.set_entry(name, None)

    def is_inside(self, node, ancestor):
        while node is not self.root:
            if node is ancestor:
                return True
            node = self.nodes[next(iter(node.names))[0]]
        return ancestor is self.root

    # ---- operations
    def data(self):
        length = self.random.choice([1, 100, 3000, BLOCK, 2 * BLOCK, 5 * BLOCK + 77, 20000])
        if self.random.random() < 0.5:
            return bytes([self.random.randrange(1, 256)]) * length
        return self.random.randbytes(length)

    def op_create(self):
        parent, name = self.pick("d"), self.pick_name()
        if name in parent.entries:
            return
        path = self.path(parent.ino, name)
        kind = self.random.choice("ffffffdl")
        if kind == "d":
            os.mkdir(path)
        elif kind == "l":
            os.symlink("target of " + name, path)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        status = os.lstat(path)
        node = self.nodes[status.st_ino] = Node(status.st_ino, kind)
        node.mode = stat.S_IMODE(status.st_mode)
        node.forget_history()
        self.link_name(node, parent, name)
        if kind == "f" and self.random.random() < 0.8:
            self.write(node, 0, self.data())
            if self.random.random() < 0.5:
                self.fsync(node)

    def write(self, node, offset, data):
        with open(self.some_path(node), "r+b", buffering=0) as file:
            assert os.pwrite(file.fileno(), data, offset) == len(data)
        old = node.content.ljust(offset, b"\0")
        node.set_content(old[:offset] + data + old[offset + len(data):])

    def op_append(self):
        if node := self.pick("f"):
            if len(node.content) < 300000:
                self.write(node, len(node.content), self.data())

    def op_overwrite(self):
        if node := self.pick("f"):
            self.write(node, self.random.randrange(len(node.content) + 1), self.data())

    def op_write_far(self):
        if node := self.pick("f"):
            self.write(node, min(400000, len(node.content) + self.random.randrange(60000)), self.data())

    def op_truncate(self):
        if not (node := self.pick("f")):
            return
        size = self.random.choice([0, self.random.randrange(len(node.content) + 1), len(node.content) + 30000])
        if size > 400000:
            return
        os.truncate(self.some_path(node), size)
        node.set_content(node.content[:size].ljust(size, b"\0"))

    def op_fallocate(self):
        if not (node := self.pick("f")):
            return
        length = len(node.content)
        mode = self.random.choice([0, KEEP_SIZE, KEEP_SIZE | PUNCH_HOLE, KEEP_SIZE | PUNCH_HOLE])
        start = self.random.randrange(length + 1)
        count = self.random.choice([1, 3000, 2 * BLOCK, 40000])
        if start + count > 400000 or not fallocate(self.some_path(node), mode, start, count):
            return
        if mode == 0 and start + count > length:
            node.set_content(node.content.ljust(start + count, b"\0"))
        elif mode & PUNCH_HOLE:
            end = min(length, start + count)
            node.set_content(node.content[:start] + bytes(end - start) + node.content[end:])

    def op_clone(self):
        source, node = self.pick("f"), self.pick("f")
        if node is None or source is node:
            return
        blocks = len(source.content) // BLOCK
        if blocks == 0:
            return
        start = self.random.randrange(blocks) * BLOCK
        count = self.random.randrange(1, blocks - start // BLOCK + 1) * BLOCK
        to = self.random.randrange(len(node.content) // BLOCK + 2) * BLOCK
        with open(self.some_path(source), "rb") as reader, open(self.some_path(node), "r+b") as writer:
            count = os.copy_file_range(reader.fileno(), writer.fileno(), count, start, to)
        data = source.content[start:start + count]
        old = node.content.ljust(to, b"\0")
        node.set_content(old[:to] + data + old[to + count:])

    def op_unlink(self):
        if node := self.pick("fl"):
            parent, name = self.random.choice(sorted(node.names))
            os.unlink(self.path(parent, name))
            self.drop_name(node, self.nodes[parent], name)

    def op_rmdir(self):
        node = self.pick("d")
        if node is self.root or node.entries:
            return
        parent, name = next(iter(node.names))
        os.rmdir(self.path(parent, name))
        self.drop_name(node, self.nodes[parent], name)

    def op_link(self):
        node, parent, name = self.pick("f"), self.pick("d"), self.pick_name()
        if node and name not in parent.entries:
            os.link(self.some_path(node), self.path(parent.ino, name))
            self.link_name(node, parent, name)

    def op_rename(self):
        node = self.pick("fffld")
        if node is None or node is self.root:
            return
        old_parent, old_name = self.random.choice(sorted(node.names))
        parent = self.nodes[old_parent] if self.random.random() < 0.6 else self.pick("d")
        name = self.pick_name()
        if node.kind == "d" and self.is_inside(parent, node):
            return
        target = self.nodes.get(parent.entries.get(name))
        if target is node:
            return
        if target and (target.kind == "d") != (node.kind == "d"):
            return
        if target and target.kind == "d" and (target.entries or target is self.root):
            return
        os.rename(self.path(old_parent, old_name), self.path(parent.ino, name))
        if target:
            target.names.discard((parent.ino, name))
        self.drop_name(node, self.nodes[old_parent], old_name)
        self.link_name(node, parent, name)

    def op_exchange(self):
        parent = self.pick("d")
        files = [n for n, i in sorted(parent.entries.items()) if self.nodes[i].kind == "f"]
        if len(files) < 2:
            return
        a, b = self.random.sample(files, 2)
        first, second = self.nodes[parent.entries[a]], self.nodes[parent.entries[b]]
        if first is second or not exchange(self.path(parent.ino, a), self.path(parent.ino, b)):
            return
        first.names.discard((parent.ino, a)), second.names.discard((parent.ino, b))
        self.link_name(first, parent, b), self.link_name(second, parent, a)

    def op_xattr(self):
        if not (node := self.pick("fd")):
            return
        name, path = "user." + self.random.choice("xyz"), self.some_path(node)
        if name in node.xattrs and self.random.random() < 0.5:
            os.removexattr(path, name)
            del node.xattrs[name]
        else:
            node.xattrs[name] = self.random.randbytes(self.random.choice([1, 30, 500]))
            os.setxattr(path, name, node.xattrs[name])
        node.xattr_states.append(dict(node.xattrs))

    def op_chmod(self):
        if node := self.pick("fd"):
            node.mode = self.random.choice([0o600, 0o644, 0o700, 0o755])
            os.chmod(self.some_path(node), node.mode)
            node.modes.add(node.mode)

    def fsync(self, node):
        file = os.open(self.some_path(node), os.O_RDONLY)
        os.fsync(file)
        os.close(file)
        self.now_durable(node)

    def now_durable(self, node):
        node.make_durable()
        if node.kind != "d":
            return
        for ino in node.entries.values():  # they have names now; what is in files is another matter
            child = self.nodes[ino]
            child.durable = True
            if child.kind == "f" and len(child.contents) > 0 and not child.ever_synced:
                child.contents.insert(0, b"")

    def op_fsync_file(self):
        if node := self.pick("f"):
            node.ever_synced = True
            self.fsync(node)

    def op_fsync_dir(self):
        self.fsync(self.pick("d"))

    def op_sync(self):
        if self.random.random() < 0.1:
            self.sync()

    # A FUSE daemon hears nothing of syncfs(2). An inode without a name can't be in a log: its fsync is a commit.
    def sync(self):
        for node in self.nodes.values():
            if node.kind == "f" and node.names:
                self.fsync(node)
        path = os.path.join(self.top, "short-lived")
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        os.unlink(path)
        os.fsync(file)
        os.close(file)
        for node in self.nodes.values():
            node.ever_synced = True
            node.make_durable()
            node.durable = bool(node.names) or node is self.root

    def step(self):
        operations = {
            self.op_create: 10, self.op_append: 8, self.op_overwrite: 6, self.op_write_far: 2, self.op_truncate: 4,
            self.op_fallocate: 4, self.op_clone: 2, self.op_unlink: 3, self.op_rmdir: 1, self.op_link: 3, self.op_rename: 5, self.op_exchange: 1,
            self.op_xattr: 3, self.op_chmod: 2, self.op_fsync_file: 12, self.op_fsync_dir: 4, self.op_sync: 1}
        self.random.choices(list(operations), list(operations.values()))[0]()


Node.ever_synced = False


def exchange(first, second):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.renameat2(-100, first.encode(), -100, second.encode(), 2) == 0


def fallocate(path, mode, start, count):
    import ctypes
    file = os.open(path, os.O_RDWR)
    result = ctypes.CDLL(None).fallocate(file, mode, ctypes.c_long(start), ctypes.c_long(count))
    os.close(file)
    return result == 0


def walk(top):
    """inode -> [(parent inode, name, path)], and directory inode -> {name: inode}"""
    names, entries = {}, {os.stat(top).st_ino: {}}
    for folder, folders, files in os.walk(top):
        parent = os.lstat(folder).st_ino
        here = entries.setdefault(parent, {})
        for name in folders + files:
            path = os.path.join(folder, name)
            ino = os.lstat(path).st_ino
            names.setdefault(ino, []).append((parent, name, path))
            here[name] = ino
            if name in folders and not os.path.islink(path):
                entries.setdefault(ino, {})
    return names, entries


def read_xattrs(path):
    return {name: os.getxattr(path, name, follow_symlinks=False)
            for name in sorted(os.listxattr(path, follow_symlinks=False)) if name.startswith("user.")}


def block(content, at):
    return content[at:at + BLOCK].ljust(BLOCK, b"\0")


def verify_content(node, content, complain):
    sizes = {len(state) for state in node.contents}
    # Of what was written behind the end and not synced, whole blocks may be missing.
    in_between = len(content) % BLOCK == 0 and min(sizes) < len(content) < max(sizes)
    if len(content) not in sizes and not in_between:
        complain(f"size {len(content)}, may be {sorted(sizes)}")
    for at in range(0, len(content), BLOCK):
        if content[at:at + BLOCK] in (block(state, at)[:len(content) - at] for state in node.contents):
            continue
        # A write that ended inside the block may have come together with an older truncation's zeros.
        complain(f"block at {at} is of none of {len(node.contents)} states")
        return


def verify(top, model):
    names, entries = walk(top)
    problems = []
    for ino, node in model.items():
        def complain(text, node=node):
            problems.append(f"inode {node.ino} ({node.kind} {sorted(node.past_names)}): {text}")
        is_root = ino == min(model)
        here = names.get(ino, [])
        if not here and not is_root:
            if node.durable and node.names:
                complain("is lost")
            continue
        if not is_root and not {(p, n) for p, n, _ in here} & node.past_names:
            complain(f"is at {[path for _, _, path in here]}")
        path = top if is_root else here[0][2]
        if node.kind == "f":
            verify_content(node, open(path, "rb").read(), complain)
            if node.durable and node.ever_synced and len(here) > len(node.past_names):
                complain(f"has names {here}")
        if node.kind == "d" and len(here) > 1:
            complain(f"has names {here}")
        if node.kind != "l" and node.durable:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            if mode not in node.modes:
                complain(f"mode {mode:o}")
            if read_xattrs(path) not in node.xattr_states:
                complain("other xattrs")
        if node.kind == "d":
            for name in set(node.entry_history) | set(entries[ino]):
                value = entries[ino].get(name)
                if value not in node.entry_history.get(name, {None}):
                    complain(f"entry {name} is inode {value}, may be {node.entry_history.get(name)}")
    unknown = set(names) - set(model)
    if unknown:
        problems.append(f"unknown inodes {unknown}")
    return problems


def dump(top):
    names, _ = walk(top)
    lines = []
    for ino, places in names.items():
        for _, _, path in places:
            status = os.lstat(path)
            what = ""
            if stat.S_ISREG(status.st_mode):
                what = hashlib.sha256(open(path, "rb").read()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                what = os.readlink(path)
            size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
            links = 0 if stat.S_ISDIR(status.st_mode) else status.st_nlink
            lines.append(f"{os.path.relpath(path, top)} {ino} {status.st_mode:o} {status.st_uid} {links} {size} {what} "
                         f"{status.st_mtime_ns} {sorted(read_xattrs(path).items())}")
    print("\n".join(sorted(lines)))


def main():
    if sys.argv[1] == "run":
        top, model, seed, operations = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
        load = Load(top, seed)
        for _ in range(load.random.choice([0, 30])):
            load.step()
        load.sync()
        for _ in range(operations):
            load.step()
        with open(model, "wb") as file:
            pickle.dump(load.nodes, file)
    elif sys.argv[1] == "verify":
        with open(sys.argv[3], "rb") as file:
            problems = verify(sys.argv[2], pickle.load(file))
        print("\n".join(problems[:10]), end="\n" if problems else "")
        sys.exit(1 if problems else 0)
    else:
        dump(sys.argv[2])


if __name__ == "__main__":
    main()
