# SPDX-License-Identifier: GPL-2.0-or-later
"""Skips: a test that did not run must say SKIP, or its silence counts as success."""
import re

from tree import Finding

CURE = 'ends the test without a word: WARN("SKIP: why") first, or ask a function that says SKIP'
# Comments, strings and characters; not the marks between digits (10'000).
TEXT = re.compile(r"""(?<=[0-9a-f])'(?=[0-9a-f])|//[^\n]*|/\*.*?\*/"""
                  r"""|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
TEST = re.compile(r"^(?:TEST_CASE|SCENARIO|TEMPLATE_TEST_CASE)\b", re.M)
LAMBDA = re.compile(r"\[[^\[\]]*\]\s*(\([^{}]*\))?\s*(mutable\s*|noexcept\s*|->\s*[\w:<>&* ]+)*$")
BRACE_OR_RETURN = re.compile(r"[{}]|\breturn\s*;")
WORD = re.compile(r"[A-Za-z_]\w*")
DECLARED = re.compile(r"\b(\w+)\(.*\)(?: const)?;")
DEFINED = re.compile(r"^(?:(?:struct|class) (\w+)|[\w:].*?\b(\w+)\().*\{$")


def blanked(match):
    return re.sub(r"[^\n]", " ", match[0])


# The same text with blanks for what the compiler does not read as code.
def code_of(text):
    return TEXT.sub(blanked, text)


# Functions and types that say SKIP themselves: their body does, or the comment above their declaration.
def speakers_in(text):
    speakers, name, comment = set(), None, False
    for line in text.split("\n"):
        if line.startswith("//"):
            comment = comment or "SKIP" in line
        elif not line.strip():
            comment = False
        elif comment and (match := DECLARED.search(line)):
            speakers.add(match[1])
        if (match := DEFINED.match(line)) and not TEST.match(line):
            name = match[1] or match[2]
        elif line.startswith("}"):
            name = None
        if name and "SKIP" in line and not line.lstrip().startswith("//"):
            speakers.add(name)
    return speakers


# Those of a file and of the tests' headers that it includes, and these include.
def speakers_for(tree, path, known):
    if path not in known:
        known[path] = speakers_in(tree.text(path))
        for included in re.findall(r'^#include "(tests/[^"]+)"', tree.text(path), re.M):
            if included in tree.paths:
                known[path] = known[path] | speakers_for(tree, included, known)
    return known[path]


# Positions of `return;` in a test's body, lambdas left out, each with where its block and its statement begin.
def returns_in(code, start):
    blocks = []  # (where it begins, it is a lambda)
    statement = start
    for match in BRACE_OR_RETURN.finditer(code, start):
        place = match.start()
        if match[0] == "{":
            blocks.append((place, bool(LAMBDA.search(code[max(start, place - 300):place]))))
        elif match[0] == "}":
            blocks.pop()
            if not blocks:
                return
        elif blocks and not any(is_lambda for _, is_lambda in blocks):
            statement = max(code.rfind(mark, 0, place) for mark in ";{}") + 1
            yield place, blocks[-1][0], statement


def head_of(code, block):
    return code[max(code.rfind(mark, 0, block) for mark in ";{}") + 1:block]


def tests_say_skip(tree):
    """94 tests once returned where btrfs-progs or root was missing, and counted as passed."""
    known = {}
    for path in tree.sources():
        text = tree.text(path)
        if not path.startswith("tests/") or not TEST.search(text):
            continue
        speakers, code = speakers_for(tree, path, known), code_of(text)
        for test in TEST.finditer(code):
            for place, block, statement in returns_in(code, test.start()):
                asked = WORD.findall(code[statement:place]) + WORD.findall(head_of(code, block))
                said = "SKIP" in text[block:place] or speakers.intersection(asked)
                # Or a value whose making said it.
                made = re.findall(r"\b(\w+) (\w+)\s*[;({=]", code[test.start():place])
                if not said and not any(kind in speakers and name in asked for kind, name in made):
                    yield Finding(path, code.count("\n", 0, place) + 1, CURE)


# What is asked before a test, or a part of one, is left out.
ASKED = re.compile(r"\b(?:running_as_root|have_program)\(")


def questions_are_answered(tree):
    """A test may also leave a part out, or all in an if: what asks for a program or for root says SKIP where it is not."""
    for path in tree.sources():
        if not path.startswith("tests/") or path.endswith("/run_command.cc"):
            continue
        lines, code = tree.lines(path), code_of(tree.text(path)).split("\n")
        if path.startswith("tests/support/") and "SKIP" in tree.text(path):
            continue  # a helper, with functions of its own to say it
        for number, line in enumerate(code):
            if not ASKED.search(line) or re.match(r"bool \w+\(.*\);", line):
                continue
            begin = max((at for at in range(number + 1) if lines[at][:1].strip() and lines[at].endswith("{")), default=0)
            end = next((at for at in range(number, len(lines)) if lines[at].startswith("}")), len(lines))
            if not any("SKIP" in one for one in lines[begin:end]):
                yield Finding(path, number + 1, "asks, and nobody hears of a no: say SKIP and why in the same function")


# ---- shell tests ----

HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1(.*?\n)(.*?)^\s*\2$", re.S | re.M)
QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'[^']*'|(?:^|(?<=\s))#[^\n]*""", re.S | re.M)
LOOKS = re.compile(r"\bcommand -v\b|/proc/filesystems")
EXIT = re.compile(r"\bexit(?:\s+0)?[ \t]*(?=[;)}\n]|$)|\bsys\.exit\(0?\)")


def shell_tests_say_skip(tree):
    """scripts/xtests counts a test that calls _notrun with the reason as skipped, and one that just exits as passed."""
    for path in tree.scripts():
        if not path.startswith("tests/generic/") or path.endswith(".py"):
            continue
        text = tree.text(path)
        shell = QUOTED.sub(blanked, HEREDOC.sub(blanked, text))
        python = "\n".join(line if "sys.exit(" in line else "" for line in text.split("\n"))
        for code in (shell, python):
            for match in EXIT.finditer(code):
                number = code.count("\n", 0, match.start()) + 1
                if "XT_NOTRUN" not in text.split("\n")[number - 1]:
                    yield Finding(path, number, "ends the test as if it had passed: call _notrun WHY, or let it reach its end")


def left_out_parts_are_told(tree):
    """What a shell test looks for, and goes on without, it names: _left_out WHY, which scripts/xtests shows."""
    for path in tree.scripts():
        if not path.startswith("tests/generic/") or path.endswith(".py"):
            continue
        lines = tree.lines(path)
        for number, line in enumerate(lines):
            if not LOOKS.search(line.split("#")[0]):
                continue
            end = number
            if re.match(r"\s*if\b", line):
                end = next((at for at in range(number, len(lines)) if re.search(r"\bfi\b", lines[at])), number)
            if not any(word in one for one in lines[number:end + 1] for word in ("_notrun", "_left_out")):
                yield Finding(path, number + 1, "leaves out what is not here without a word: call _left_out WHY, or _notrun WHY")


def loop_devices_are_let_go_by_name(tree):
    """Tests run side by side: a loop device that was detached may be another test's by now, so who detaches asks whose it is."""
    for path in tree.scripts():
        if not path.startswith("tests/generic/") or path.endswith("/common.sh"):
            continue
        for number, line in enumerate(tree.lines(path)):
            if re.search(r"\blosetup (-d|-D|--detach)", line):
                yield Finding(path, number + 1, "may detach another test's loop device: call _loop_off")
