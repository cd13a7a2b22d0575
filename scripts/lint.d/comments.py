# SPDX-License-Identifier: GPL-2.0-or-later
"""Comments: what a formatter, or a hasty hand, breaks in them."""
import re

from tree import Finding

COLUMNS_MAX = 110
LINE = re.compile(r"(\s*)//(.*)$")
ITEM = re.compile(r"( *)([-*]|\d+\.|[a-z]\)) +\S")
RULER = re.compile(r"^ (-{2,}) \S.*?(?: (-{2,}))?$")
RULER_END = re.compile(r"\w -{3,}$")


# Lines of comment below each other, equally far in: [(number, text behind //)].
def blocks(lines):
    block, far = [], None
    for number, line in enumerate(lines, 1):
        match = LINE.match(line)
        if block and (not match or match[1] != far):
            yield block
            block = []
        if match:
            far = match[1]
            block.append((number, match[2]))
    if block:
        yield block


def indent(text):
    return len(text) - len(text.lstrip())


def rulers_are_whole(tree):
    """Half a ruler reads as a sentence about nothing: it was wrapped, or lost its end."""
    for path in tree.sources():
        for block in blocks(tree.lines(path)):
            for number, text in block:
                ruler = RULER.match(text)
                if ruler and ruler[1] != ruler[2] or not ruler and RULER_END.search(text):
                    yield Finding(path, number, 'is half a ruler: write "---- words ----" on one line')


def list_items_are_indented(tree):
    """The second line of an item that starts where the item does looks like the text behind the list."""
    for path in tree.sources():
        for block in blocks(tree.lines(path)):
            for (_, text), (number, after) in zip(block, block[1:]):
                item = ITEM.match(text)
                if item and after.strip() and not ITEM.match(after) and indent(after) <= len(item[1]):
                    yield Finding(path, number, "follows a list's item: indent it to the item's text, "
                                                "or put an empty // before it")


def no_word_stands_alone(tree):
    """A line of one word in the middle of a paragraph is what is left of a line that a formatter broke."""
    for path in tree.sources():
        for block in blocks(tree.lines(path)):
            for (_, before), (number, text), (_, after) in zip(block, block[1:], block[2:]):
                if len(text.split()) == 1 and before.strip() and after.strip() and indent(text) == indent(after):
                    yield Finding(path, number, "has one word in the middle of a paragraph: set the paragraph anew")


def comments_fit(tree):
    """Two files side by side, and no line that is broken by the window."""
    for path in tree.sources() + [path for path in tree.paths if path.endswith(".c")]:
        for number, line in tree.numbered(path):
            if len(line) > COLUMNS_MAX and "//" in line:
                yield Finding(path, number, f"has {len(line)} columns, more than {COLUMNS_MAX}: set the comment anew")
