# SPDX-License-Identifier: GPL-2.0-or-later
"""Documents: what they name must exist."""
import collections
import fnmatch
import os
import re

from tree import TOPS, Finding, top_of

# Names that are in backquotes and not in the project, by kind. Commands of others are known by their first word.
ALLOWED = {
    "of the kernel": {"hidepid", "i_size"},
    "of images in the corpus": {"051-warning"},
}
COMMANDS_OF_OTHERS = {"btrfs", "cp", "dpkg", "install", "nohup", "systemctl", "tar", "umount", "unshare"}
FILE = re.compile(r"\.(cc|c|h|sh|md|py|out|cmake|rules|service)$")
CODE = re.compile(r"[A-Za-z_]\w*(?:::~?[A-Za-z_]\w*)*")
CAMEL = re.compile(r"[A-Z]\w*[a-z]\w*")
OPTION = re.compile(r"--[a-z][\w-]*")
MOUNT_OPTION = re.compile(r"([a-z][\w-]*)(?:=|\[)")
PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+|[a-z]{4,}")
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PLAIN_PATH = re.compile(r"(?<![\w/.~$-])((?:%s)/[\w./-]*[\w/])(?![\w*{<$])" % "|".join(TOPS))
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


class Names:
    """All that exists: paths, their names and stems, words of the code, and its options."""

    def __init__(self, tree):
        self.paths = set(tree.paths) | tree.folders
        self.by_name = collections.defaultdict(set)
        self.files_of_word = collections.defaultdict(set)
        texts = []
        for path in tree.paths:
            self.by_name[os.path.basename(path)].add(path)
            for part in path.split("/"):
                self.files_of_word[part.split(".")[0]].add(path)
            if path.endswith((".md", ".out")) or path.startswith("scripts/lint"):
                continue
            text = tree.text(path)
            if path.endswith((".h", ".cc")):
                text = re.sub(r"//[^\n]*", "", text)
            texts.append(text)
            for word in set(re.findall(r"\w+", text)):
                self.files_of_word[word].add(path)
        text = "\n".join(texts)
        # Test executables are named by tests/CMakeLists.txt.
        for folder in tree.folders:
            if folder.startswith("tests/"):
                self.files_of_word["test_" + folder[len("tests/"):].replace("/", "_")].add(folder)
        self.words = set(re.findall(r"\w[\w-]*", text))
        self.options = set(OPTION.findall(text))

    # The path is one seen from this folder, from its tests, or from the top; with or without the end of its name.
    def has_path(self, path, folder):
        path = path.rstrip("/").replace("NNN", "[0-9][0-9][0-9]")
        for base in (folder, os.path.join("tests", folder), ""):
            full = os.path.normpath(os.path.join(base, path))
            if full in self.paths or any(full + end in self.paths for end in (".h", ".cc", ".py")):
                return True
            if any(mark in full for mark in "*[") and any(fnmatch.fnmatch(each, pattern) for each in self.paths
                                                          for pattern in (full, full + ".*")):
                return True
        return False

    def has_file(self, name, folder):
        if "/" in name or "*" in name:
            return self.has_path(name, folder)
        pattern = name.replace("NNN", "[0-9][0-9][0-9]")
        return self.has_path(name, folder) or not folder and bool(fnmatch.filter(self.by_name, pattern))

    # All parts of A::b() are words of one file.
    def has_word(self, name):
        files = [self.files_of_word.get(part, set()) for part in re.findall(r"\w+", name)]
        return bool(set.intersection(*files)) if files else True

    def has_word_like(self, pattern):
        return any(fnmatch.fnmatchcase(word, pattern) for word in self.files_of_word)


def braces_expanded(word):
    match = re.search(r"\{([\w,]+)\}", word)
    if not match:
        return [word]
    return [word[:match.start()] + each + word[match.end():] for each in match[1].split(",")]


# What is wrong with one word in backquotes, or None.
def complaint(word, folder, names):
    if option := OPTION.match(word):
        return None if option[0] in names.options else f"no program has an option {option[0]}"
    if word.startswith(("-", "/", "..", "build/")) or any(word in kind for kind in ALLOWED.values()):
        return None
    if FILE.search(word):
        return None if names.has_file(word, folder) else f"there is no file {word}"
    if "/" in word and re.fullmatch(r"[\w./*\[\]-]+", word):
        return None if names.has_path(word, folder) else f"there is no path {word}"
    if "*" in word and re.fullmatch(r"[\w*]+", word):
        return None if names.has_word_like(word) else f"nothing is named {word}"
    if option := MOUNT_OPTION.match(word):
        return None if option[1] in names.words else f"no option is named {option[1]}"
    name = re.sub(r"[<(].*", "", word).lstrip("~$")
    known = True
    if CODE.fullmatch(name) and (name != word or "_" in name or "::" in name or CAMEL.fullmatch(name)):
        known = names.has_word(name)
    elif PLAIN.fullmatch(name):
        known = name in names.words or name in names.files_of_word
    return None if known else f"nothing is named {name}"


def words_of(span):
    words = span.split()
    if words and words[0] in COMMANDS_OF_OTHERS:
        return
    for word in words:
        yield from braces_expanded(word.strip('",:;').rstrip("."))


def names_in_documents_exist(tree):
    """A document that names what is gone is no longer true, and nobody knows what else in it is not."""
    names = Names(tree)
    for path in tree.documents():
        folder, fenced = os.path.dirname(path), False
        room = folder if top_of(path) not in ("docs", "examples") else ""
        for number, line in tree.numbered(path):
            fenced ^= line.startswith("```")
            wrong = [f"there is no path {each}" for each in PLAIN_PATH.findall(LINK.sub("", SPAN.sub("", line)))
                     if not names.has_path(each, "") and not any(each in kind for kind in ALLOWED.values())]
            wrong += [f"the link leads nowhere: {each}" for each in LINK.findall(line)
                      if os.path.normpath(os.path.join(folder, each)) not in names.paths]
            for span in SPAN.findall(line) if not fenced else ():
                wrong += [said for word in words_of(span) if (said := complaint(word, room, names))]
            for said in dict.fromkeys(wrong):
                yield Finding(path, number, said + ": name what is there now")
