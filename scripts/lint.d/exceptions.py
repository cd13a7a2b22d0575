# SPDX-License-Identifier: GPL-2.0-or-later
"""Exceptions: what is known to break a rule, with the reason. An entry that is not needed any more is a finding,

so these lists can only shrink. A new entry needs a reason that will still convince in a year.
"""

# Stems of files that include each other in a circle, by room: see rooms.no_circles.
CIRCLES = {}

# Files that a room may have at most, where that is more than rooms.SOURCES_MAX: see rooms.rooms_are_small.
CROWDED = {}

# Lines of code that a file may have at most, where that is more than files.CODE_LINES_MAX: see files.files_are_short.
LONG = {
    "tests/core/alloc/allocator_test.cc": (360, "cases of one class"),
    "tests/core/ondisk/tree_checker_test.cc": (361, "a table of damages, one row a rule"),
    "tests/core/volume/several_devices_test.cc": (323, "cases of one class"),
    "tests/fs/durability/fsync_test.cc": (351, "cases of one call"),
    "tests/seams/file_calls.cc": (357, "one call after the other, all alike"),
    "tests/seams/name_worker.cc": (312, "one worker with its model"),
}

# Rooms without a README.md: see rooms.rooms_have_a_readme.
WITHOUT_README = {}
