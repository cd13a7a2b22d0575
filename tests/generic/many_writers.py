# SPDX-License-Identifier: GPL-2.0-or-later
"""One of several processes that do everything at once: many_writers.py FOLDER SECONDS SEED.

Keeps a model of its own folder, which no other process touches, and compares at the end: exit status 1 and a line per
difference when the file system does not agree.
"""
import hashlib
import os
import random
import sys
import time

folder, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
model = {}  # name -> content
MOST = 400_000
os.makedirs(folder, exist_ok=True)
block = hashlib.sha256(str(seed).encode()).digest() * 4096  # 128 KiB, no two 32-byte pieces apart differ: compressible
noise = rng.randbytes(len(block))


def path(name):
    return os.path.join(folder, name)


def some_bytes():
    source = rng.choice((block, noise))
    length = rng.choice((10, 3000, 4096, 20_000, len(source)))
    return source[:length]


def put(name, offset, data):
    old = model.get(name, b"")
    old = old + bytes(max(0, offset - len(old)))
    model[name] = old[:offset] + data + old[offset + len(data):]


def write(name):
    data, offset = some_bytes(), rng.randrange(MOST - len(block))
    file = os.open(path(name), os.O_CREAT | os.O_RDWR, 0o644)
    assert os.pwrite(file, data, offset) == len(data)
    put(name, offset, data)
    if rng.random() < 0.15:
        os.fsync(file)
    os.close(file)


def rename(name):
    target = "n%d" % rng.randrange(60)
    os.rename(path(name), path(target))
    if target != name:
        model[target] = model.pop(name)


def truncate(name):
    size = rng.randrange(MOST)
    os.truncate(path(name), size)
    model[name] = model[name][:size] + bytes(max(0, size - len(model[name])))


def unlink(name):
    if rng.random() < 0.3:
        with open(path(name), "rb") as held:
            os.unlink(path(name))
            assert held.read() == model[name], "content of an unlinked open file"
    else:
        os.unlink(path(name))
    del model[name]


def read(name):
    with open(path(name), "rb") as file:
        assert file.read() == model[name], "content of " + path(name)


def directories(_):
    deep = path("d%d/e" % rng.randrange(5))
    os.makedirs(deep, exist_ok=True)
    os.rename(deep, path("moved"))
    os.rmdir(path("moved"))


def attributes(name):
    os.chmod(path(name), rng.choice((0o600, 0o644)))
    os.utime(path(name), ns=(rng.randrange(10**18), rng.randrange(10**18)))
    os.setxattr(path(name), "user.x", some_bytes()[:200])
    directory = os.open(folder, os.O_RDONLY)
    if rng.random() < 0.1:
        os.fsync(directory)
    os.close(directory)


STEPS = (write, write, write, rename, truncate, unlink, read, read, directories, attributes)
end = time.monotonic() + seconds
while time.monotonic() < end:
    step = rng.choice(STEPS)
    if step is write or not model:
        write("n%d" % rng.randrange(60))
    else:
        step(rng.choice(list(model)))
names = {name for name in os.listdir(folder) if name.startswith("n")}
wrong = [f"{folder}: names differ: {sorted(names ^ set(model))}"] if names != set(model) else []
for name in names & set(model):
    with open(path(name), "rb") as file:
        if file.read() != model[name]:
            wrong.append(f"{path(name)} differs")
print("\n".join(wrong), end="")
sys.exit(1 if wrong else 0)
