# SPDX-License-Identifier: GPL-2.0-or-later
"""Files: how they begin, how long they get, and what is written in none of them."""
import os
import re

import exceptions
from tree import Finding

CODE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60  # advice only
FORBIDDEN = [(re.compile(r"/work/|/root/|/home/"), "names a path of one machine: say it relative to the project"),
             (re.compile(r"using namespace std;"), "imports all of std: name what is used"),
             (re.compile(r"\bstd::(cout|cerr|cin)\b|\bf?printf\(|\bfmt::print\("),
              "prints: only cli/process/standard_streams talks to people; use print() and complain() of it, "
              "return Errors or log()")]
MAY_PRINT = ("cli/process/standard_streams", "tests", "core/base/assert.cc")
LICENCE = "SPDX-License-Identifier: GPL-2.0-or-later"
SENTENCE = re.compile(r":|[.!?)]$")


# The comment or docstring at the top, as one line; empty where there is none.
def purpose_of(lines, mark):
    rest = lines[1:] if lines[0].startswith("#!") else lines
    rest = rest[1:] if rest and rest[0].endswith(LICENCE) else rest
    if mark == "#" and rest and rest[0].startswith('"""'):
        return rest[0][3:].replace('"""', "").strip()
    words = []
    for line in rest:
        if not line.startswith(mark):
            break
        words.append(line[len(mark):].strip())
    return " ".join(words).strip()


def files_open_with_their_purpose(tree):
    """A reader who opens the wrong file should know after one line."""
    for path in tree.sources() + [path for path in tree.paths if path.endswith(".c")]:
        purpose = purpose_of(tree.lines(path), "// ")
        if not SENTENCE.search(purpose):
            yield Finding(path, 1, 'does not open with its purpose: make the line below the licence "// Noun: what the file is for."')
    for path in tree.scripts():
        if len(purpose_of(tree.lines(path), "#").split()) < 3:
            yield Finding(path, 1, "does not say what it is for: make the line below the licence a comment that does")


def files_name_their_licence(tree):
    """A file that is copied elsewhere still says under what terms."""
    for path in tree.sources() + tree.scripts() + [path for path in tree.paths if path.endswith(".c")]:
        if not any(line.endswith(LICENCE) for line in tree.lines(path)[:2]):
            yield Finding(path, 1, f'names no licence: make its first line (below #!) "{LICENCE}", as a comment')


def headers_are_read_once(tree):
    """A header that is read twice does not compile."""
    for path in tree.sources():
        if path.endswith(".h") and "#pragma once" not in tree.lines(path):
            yield Finding(path, 1, "has no #pragma once: add it below the first comment")


def tests_have_a_namespace(tree):
    """Tests of a room are compiled together, which halves the time; nearly every two of them have a name in common."""
    for path in tree.sources():
        if not path.startswith("tests/") or not path.endswith("_test.cc"):
            continue
        name = os.path.basename(path)[:-3]
        if not re.search(r"^namespace butterfuse(::\w+)*::" + name + r" \{$", tree.text(path), re.M):
            yield Finding(path, 0, f"is in no namespace of its own: butterfuse::{name} around all of it")


def code_lines(lines):
    return sum(1 for line in lines if line.strip() and not line.lstrip().startswith("//"))


def files_are_short(tree):
    """One noun a file: what has more than 300 lines of code usually has two."""
    counts = {path: code_lines(tree.lines(path)) for path in tree.sources()}
    for path, count in counts.items():
        most, _ = exceptions.LONG.get(path, (CODE_LINES_MAX, ""))
        if count > most:
            yield Finding(path, 0, f"has {count} lines of code, more than {most}: look for the two nouns in it and split it")
    for path in exceptions.LONG:
        if counts.get(path, 0) <= CODE_LINES_MAX and os.path.dirname(path) in tree.folders:
            count = counts.get(path, "no")
            yield Finding(path, 0, f"has {count} lines of code by now: take it off LONG in scripts/lint.d/exceptions.py")


def nothing_forbidden(tree):
    """Paths of one machine work nowhere else; output belongs to the one place that knows whether anybody reads it."""
    for path in tree.sources():
        for number, line in tree.numbered(path):
            for pattern, cure in FORBIDDEN:
                if pattern.search(line) and not ("print" in cure and path.startswith(MAY_PRINT)):
                    yield Finding(path, number, cure)


def long_functions(tree):
    """Advice: a function of more than 60 lines can seldom be named by what it does."""
    for path in tree.sources():
        start, head = 0, ""
        for number, line in tree.numbered(path):
            if line == "}":
                length = number - start + 1
                if length > FUNCTION_LINES_MAX:
                    yield Finding(path, start, f"{length} lines: {head.rstrip('{ ')}")
            elif line and not line.startswith((" ", "}", "#", "//", ")")):
                start, head = number, line
