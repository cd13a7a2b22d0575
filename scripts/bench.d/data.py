# SPDX-License-Identifier: GPL-2.0-or-later
"""Data: what the workloads write, made of the machine's own files (those below /usr) and of numbers with a fixed seed."""
import functools
import io
import json
import os
import random
import shutil
import tarfile

from processes import need_program, run

SOURCE = "/usr"
SMALL_BYTES_MAX = 16384
FOLDER_FILES = 20000
GIT_NAME = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0", "-c", "commit.gpgsign=false"]


def source_files(bytes_max=None):
    """Regular files below /usr in an order that stays; those of at most so many bytes. Again and again."""
    found = 0
    while True:
        for folder, below, names in os.walk(SOURCE):
            below.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path) or "/.git" in path:
                    continue
                if bytes_max is None or os.path.getsize(path) <= bytes_max:
                    found += 1
                    yield path
        if found == 0:
            raise OSError(f"there are no files below {SOURCE} to make data of")


class Data:
    """Each kind is made when it is first asked for, in a folder of the host's own file system."""

    def __init__(self, folder, sizes):
        self.folder, self.sizes = folder, sizes

    def _path(self, *parts):
        return os.path.join(self.folder, *parts)

    @functools.cached_property
    def stream(self):
        """One file: files one behind the other, up to the wanted size."""
        left = self.sizes.stream_mib << 20
        with open(self._path("stream"), "wb") as out:
            for path in source_files():
                with open(path, "rb") as source:
                    piece = source.read(left)
                out.write(piece)
                left -= len(piece)
                if left <= 0:
                    return out.name

    @functools.cached_property
    def archive(self):
        """A tar of many small files, with their folders in it as tar puts them."""
        folders = set()
        with tarfile.open(self._path("small.tar"), "w") as tar:
            for count, path in zip(range(self.sizes.files), source_files(SMALL_BYTES_MAX)):
                folder, place = os.path.dirname(path), f"tree/{count // FOLDER_FILES}"
                for depth in range(2, folder.count("/") + 2):
                    parent = "/".join(folder.split("/")[:depth])
                    if (place, parent) not in folders:
                        folders.add((place, parent))
                        tar.add(parent, arcname=place + parent, recursive=False)
                tar.add(path, arcname=place + path, recursive=False)
        return self._path("small.tar")

    @functools.cached_property
    def repository(self):
        """A git repository: some thousand files in tens of commits, each of which also changes what was there."""
        need_program("git")
        top, chooser, present = self._path("repository"), random.Random(11), []
        git = ["git", *GIT_NAME, "-C", top]
        run("git", "init", "-q", top)
        sources = source_files(SMALL_BYTES_MAX)
        for commit in range(self.sizes.git_commits):
            for _ in range(self.sizes.git_files // self.sizes.git_commits):
                source = next(sources)
                target = top + source
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(source, target)
                present.append(target)
            for target in chooser.sample(present, len(present) // 20):
                with open(target, "ab") as file:
                    file.write(b"commit %d\n" % commit)
            run(*git, "add", "-A", "-f")
            run(*git, "commit", "-q", "-m", f"Commit {commit}")
        run(*git, "gc", "-q")
        return top

    @functools.cached_property
    def packages(self):
        """A project for npm ci whose packages are tarballs beside the mount point's folder, and its cache.

        Where the project lies is two folders below the one with the tarballs, as MOUNTPOINT/project is.
        """
        need_program("npm")
        os.mkdir(self._path("tarballs"))
        sources, needs = source_files(SMALL_BYTES_MAX), {}
        for number in range(self.sizes.packages):
            name = f"package-{number}"
            with tarfile.open(self._path("tarballs", name + ".tgz"), "w:gz", compresslevel=1, dereference=True) as tar:
                about = json.dumps({"name": name, "version": "1.0.0"}).encode()
                entry = tarfile.TarInfo("package/package.json")
                entry.size = len(about)
                tar.addfile(entry, io.BytesIO(about))
                for count in range(self.sizes.package_files):
                    source = next(sources)
                    tar.add(source, arcname=f"package/lib/{count // 10}/{count}-{os.path.basename(source)}", recursive=False)
            needs[name] = f"file:../../tarballs/{name}.tgz"
        project = self._path("packages", "project")
        os.makedirs(project)
        with open(os.path.join(project, "package.json"), "w") as out:
            json.dump({"name": "project", "version": "1.0.0", "private": True, "dependencies": needs}, out)
        run("npm", "install", "--package-lock-only", *self.npm_flags, cwd=project, env=self.npm_environment)
        return project

    @property
    def npm_flags(self):
        return ["--offline", "--no-audit", "--no-fund", "--ignore-scripts", "--cache", self._path("npm-cache")]

    @property
    def npm_environment(self):
        return dict(os.environ, HOME=self.folder, npm_config_update_notifier="false")

    @functools.cached_property
    def sources(self):
        """A C++ project with a Makefile: every source includes some of the headers, and containers of the library."""
        need_program("g++")
        need_program("make")
        top, count, chooser = self._path("sources"), self.sizes.sources, random.Random(13)
        os.mkdir(top)
        for number in range(count):
            with open(os.path.join(top, f"part{number}.h"), "w") as out:
                out.write(f"#pragma once\n#include <map>\n#include <string>\n#include <vector>\n"
                          f"std::map<std::string, std::vector<int>> part{number}(int from);\n")
            used = sorted(chooser.sample(range(number), min(number, 3)))
            with open(os.path.join(top, f"part{number}.cc"), "w") as out:
                out.write("".join(f'#include "part{each}.h"\n' for each in [number, *used]))
                out.write(f"#include <algorithm>\nstd::map<std::string, std::vector<int>> part{number}(int from) {{\n"
                          f"  std::map<std::string, std::vector<int>> all;\n"
                          f"  for (int i = 0; i < {chooser.randrange(5, 50)}; i++) all[std::to_string(from + i)].push_back(i);\n"
                          "  for (auto& [name, values] : all) std::sort(values.begin(), values.end());\n")
                out.write("".join(f"  if (from > {each}) all.merge(part{each}(from - 1));\n" for each in used))
                out.write("  return all;\n}\n")
        with open(os.path.join(top, "main.cc"), "w") as out:
            out.write(f'#include "part{count - 1}.h"\nint main() {{ return part{count - 1}(3).empty(); }}\n')
        with open(os.path.join(top, "Makefile"), "w") as out:
            out.write("objects = $(patsubst %.cc,%.o,$(wildcard *.cc))\nprogram: $(objects)\n\tg++ -o $@ $^\n"
                      "%.o: %.cc\n\tg++ -O1 -std=c++17 -MMD -c -o $@ $<\n-include $(objects:.o=.d)\n")
        return top
