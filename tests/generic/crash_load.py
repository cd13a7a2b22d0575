#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A write load that notes what was acknowledged, and the check of it after a crash.

  crash_load.py run DIR ACKS SEED       writes until the file system dies; ACKS gets a line after each fsync
  crash_load.py verify DIR ACKS         every acknowledged file is there with its content, or a later one
"""
import hashlib
import os
import random
import sys


def content(name, version):
    chooser = random.Random(f"{name}:{version}")
    length = chooser.choice((10, 3000, 5000, 70_000, 400_000, 1_500_000))
    if chooser.random() < 0.5:
        return chooser.randbytes(length)
    return (f"{name} {version} ".encode() * (length // 8 + 1))[:length]


def run(folder, acks_path, seed):
    acks = open(acks_path, "w", buffering=1)
    os.chdir(folder)  # and only relative names: behind a dead mount lies an ordinary directory
    chooser = random.Random(int(seed))
    versions = {}
    try:
        while True:
            number = chooser.randrange(200)
            name = f"d{number % 10}/f{number}"
            os.makedirs(f"d{number % 10}", exist_ok=True)
            version = versions.get(name, 0) + 1
            path = name
            if chooser.random() < 0.1 and name in versions and versions[name] > 0:
                acks.write(f"maybe {name} 0\n")
                os.unlink(path)
                versions[name] = 0
                continue
            versions[name] = version
            acks.write(f"maybe {name} {version}\n")
            temporary = path + ".new"
            with open(temporary, "wb") as out:
                out.write(content(name, version))
                durable = chooser.random() < 0.3
                if durable:
                    out.flush()
                    os.fsync(out.fileno())
            os.rename(temporary, path)
            if durable:
                directory = os.open(os.path.dirname(path), os.O_RDONLY)
                os.fsync(directory)
                os.close(directory)
                acks.write(f"durable {name} {version}\n")
    except OSError as error:
        print(f"the load ends: {error}")


def verify(folder, acks_path):
    durable, later, wrong = {}, {}, 0
    for line in open(acks_path):
        if not line.endswith("\n"):
            break
        kind, name, version = line.split()
        if kind == "durable":
            durable[name], later[name] = int(version), []
        else:
            later.setdefault(name, []).append(int(version))
    for name, version in durable.items():
        wanted = [version] + later[name]
        if 0 in wanted and not os.path.exists(f"{folder}/{name}"):
            continue
        try:
            with open(f"{folder}/{name}", "rb") as source:
                have = source.read()
        except OSError as error:
            print(f"{name}: {error}; acknowledged version {version}")
            wrong += 1
            continue
        digest = hashlib.sha256(have).digest()
        if have and digest in (hashlib.sha256(content(name, one)).digest() for one in wanted):
            continue
        if 0 in wanted and any(content(name, one).startswith(have) for one in wanted):
            continue  # unlinked and made again without an fsync: only part of the new data needs to be there
        print(f"{name}: {len(have)} bytes that are none of the versions {wanted}")
        wrong += 1
    print(f"{len(durable)} acknowledged files, {wrong} wrong", file=sys.stderr if wrong else open(os.devnull, "w"))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    {"run": run, "verify": verify}[sys.argv[1]](*sys.argv[2:])
