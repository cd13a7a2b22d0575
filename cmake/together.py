#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which sources can be compiled as one: most of the time goes into the headers, which they share.

  cmake/together.py MOST ROOT    "BATCH FILE" for each source below ROOT, of which at most so many are in a batch

Only sources of one folder are together.

Two sources that have the same name in anonymous namespaces, or define the same one, are never in one batch. A test has a
namespace of its own, named like its file, and so never has.
"""
import os
import re
import sys

TOPS = ("cli", "compress", "core", "fs", "tests")

OWN_NAME = re.compile(r"\b([A-Za-z_]\w*)(?=\(| = |\{|;|\[)")
NO_NAMES = {"BF_EXCLUDES", "BF_REQUIRES", "alignas", "bool", "chrono_literals", "decltype", "enum", "milliseconds", "namespace",
            "seconds", "sizeof", "static_assert", "uint64_t", "void"}
OWN_NAMESPACE = re.compile(r"^namespace butterfuse(?:::\w+)*::(\w+_test) \{$", re.M)
OWN_TYPE = re.compile(r"^(?:struct|class|enum class|enum|using|#define|namespace) (\w+)", re.M)


def own_names(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    own = OWN_NAMESPACE.search(text)
    if own:
        return {own[1]}
    names = set(OWN_TYPE.findall(text)) - {"butterfuse"}
    for part in re.findall(r"^namespace \{\n(.*?)^\}  // namespace$", text, re.M | re.S):
        for line in part.splitlines():
            if not line.startswith((" ", "//")):
                names.update(OWN_NAME.findall(line))
    return names - NO_NAMES


def batches(paths, most):
    """[[path]]: in each no name twice."""
    result = []
    for path in paths:
        names = own_names(path)
        for batch, taken in result:
            if len(batch) < most and not names & taken:
                batch.append(path)
                taken |= names
                break
        else:
            result.append(([path], set(names)))
    return [batch for batch, _ in result]


def folders_of(root):
    """[[path below root]]: the sources of each folder."""
    for top in TOPS:
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            yield [os.path.relpath(os.path.join(folder, name), root) for name in sorted(names) if name.endswith(".cc")]


if __name__ == "__main__":
    os.chdir(sys.argv[2])
    for paths in folders_of("."):
        for number, batch in enumerate(batches(paths, int(sys.argv[1]))):
            for path in batch:
                print(f"{os.path.dirname(path).replace('/', '_')}_{number}", path)
