# SPDX-License-Identifier: GPL-2.0-or-later
"""Violations: small trees that break one rule each, beside such that keep it. What no rule tells of is no rule."""
import exceptions
import files
from tree import Tree

HEAD = "// Noun: what it is for.\n#pragma once\n"
LINES = "int x;\n"
TEST = 'TEST_CASE("a sentence") {\n'


def many(room, count):
    return {f"{room}/f{number}.h": HEAD for number in range(count)}


# The lists of exceptions as they are while the rules are tested.
EXCEPTIONS = {
    "CIRCLES": {"fs/names": ({"a", "b"}, "known")},
    "CROWDED": {"fs/names": (41, "known")},
    "LONG": {"fs/names/long.cc": (301, "known")},
    "WITHOUT_README": {"fs/names": "known"},
}

# The rule, a tree, and what must be told of it: "path:line: part of the message", line 0 for all of a file or folder.
VIOLATIONS = [
    ("includes_point_down", {"core/base/a.h": '#include "core/device/b.h"\n'}, ["core/base/a.h:1: upward"]),
    ("includes_point_down", {"fs/data/a.cc": '\n#include "fs/names/b.h"\n'}, ["fs/data/a.cc:2: side by side"]),
    ("includes_point_down", {"fs/mount/a.cc": '#include "core/check/b.h"\n'}, ["fs/mount/a.cc:1: offline tools"]),
    ("includes_point_down", {"core/device/a.h": '#include "core/base/b.h"\n#include <vector>\n'}, []),

    ("every_room_has_a_floor", {"core/attic/a.h": HEAD}, ["core/attic:0: its place among ROOMS"]),
    ("every_room_has_a_floor", {"core/base/a.h": HEAD, "tests/core/attic/a.h": HEAD}, []),

    ("no_circles", {"core/base/a.h": '#include "core/base/b.h"\n', "core/base/b.cc": '#include "core/base/a.h"\n'},
     ["core/base/a.h:1: circle of includes (a.h:1, b.cc:1)"]),
    ("no_circles", {"core/base/a.h": '#include "core/base/b.h"\n', "core/base/b.h": '#include "core/base/c.h"\n',
                    "core/base/c.cc": '#include "core/base/a.h"\n'}, ["core/base/a.h:1: (a.h:1, b.h:1, c.cc:1)"]),
    ("no_circles", {"fs/names/a.h": '#include "fs/names/b.h"\n', "fs/names/b.cc": '#include "fs/names/a.h"\n'}, []),
    ("no_circles", {"fs/names/a.h": HEAD}, ["fs/names:0: a is in no circle any more", "fs/names:0: b is in no circle"]),
    ("no_circles", {"core/base/a.cc": '#include "core/base/a.h"\n', "core/base/a.h": HEAD}, []),

    ("rooms_are_small", many("core/base", 41), ["core/base:0: has 41 sources"]),
    ("rooms_are_small", many("tests/core/base", 41), ["tests/core/base:0: has 41 sources"]),
    ("rooms_are_small", many("fs/names", 42), ["fs/names:0: has 42 sources, more than 41"]),
    ("rooms_are_small", many("fs/names", 40), ["fs/names:0: take it off CROWDED"]),
    ("rooms_are_small", {**many("core/base", 40), **many("fs/names", 41)}, []),

    ("rooms_have_a_readme", {"core/base/a.h": HEAD}, ["core/base:0: has no README.md"]),
    ("rooms_have_a_readme", {"tests/crash/a.cc": HEAD}, ["tests/crash:0: has no README.md"]),
    ("rooms_have_a_readme", {"fs/names/a.h": HEAD, "fs/names/README.md": ""}, ["fs/names:0: take it off WITHOUT_README"]),
    ("rooms_have_a_readme", {"core/base/a.h": HEAD, "core/base/README.md": "", "tests/core/base/a_test.cc": HEAD}, []),

    ("tests_have_a_namespace", {"tests/core/base/a_test.cc": "using namespace butterfuse;\n"},
     ["tests/core/base/a_test.cc:0: is in no namespace of its own: butterfuse::a_test"]),
    ("tests_have_a_namespace", {"tests/core/base/a_test.cc": "namespace butterfuse::b_test {\n}\n"},
     ["tests/core/base/a_test.cc:0: butterfuse::a_test"]),
    ("tests_have_a_namespace", {"tests/core/base/a_test.cc": "namespace butterfuse::test::a_test {\n}\n",
                                "tests/support/b.cc": LINES}, []),

    ("files_open_with_their_purpose", {"core/base/a.h": "#pragma once\n"}, ["core/base/a.h:1: open with its purpose"]),
    ("files_open_with_their_purpose", {"core/base/a.h": "// some words\n"}, ["core/base/a.h:1: open with its purpose"]),
    ("files_open_with_their_purpose", {"scripts/a": "#!/bin/bash\nset -u\n"}, ["scripts/a:1: say what it is for"]),
    ("files_open_with_their_purpose", {"scripts/a.py": "import os\n"}, ["scripts/a.py:1: say what it is for"]),
    ("files_open_with_their_purpose", {"tests/generic/001": "#!/bin/bash\n"}, ["tests/generic/001:1: say what it is for"]),
    ("files_open_with_their_purpose", {"core/base/a.h": HEAD, "scripts/a": "#!/bin/bash\n# Does this and that.\n",
                                       "scripts/b": '#!/usr/bin/env python3\n"""Does this and that."""\n'}, []),

    ("files_name_their_licence", {"core/base/a.h": HEAD, "scripts/a": "#!/bin/bash\n# Does this and that.\n"},
     ["core/base/a.h:1: names no licence", "scripts/a:1: names no licence"]),
    ("files_name_their_licence", {"core/base/a.h": f"// {files.LICENCE}\n{HEAD}",
                                  "scripts/a": f"#!/bin/bash\n# {files.LICENCE}\n# Does this and that.\n"}, []),
    ("files_open_with_their_purpose", {"core/base/a.h": f"// {files.LICENCE}\n{HEAD}"}, []),

    ("headers_are_read_once", {"core/base/a.h": "// Noun: x.\n"}, ["core/base/a.h:1: #pragma once"]),
    ("headers_are_read_once", {"core/base/a.h": HEAD, "core/base/a.cc": "// Noun: x.\n"}, []),

    ("files_are_short", {"core/base/a.cc": LINES * 301}, ["core/base/a.cc:0: has 301 lines of code"]),
    ("files_are_short", {"fs/names/long.cc": LINES * 302}, ["fs/names/long.cc:0: has 302 lines of code, more than 301"]),
    ("files_are_short", {"fs/names/long.cc": LINES}, ["fs/names/long.cc:0: take it off LONG"]),
    ("files_are_short", {"core/base/a.cc": LINES * 300 + "// why\n\n" * 50, "fs/names/long.cc": LINES * 301}, []),

    ("nothing_forbidden", {"core/base/a.cc": 'auto path = "/home/me";\n'}, ["core/base/a.cc:1: one machine"]),
    ("nothing_forbidden", {"core/base/a.cc": "\nusing namespace std;\n"}, ["core/base/a.cc:2: all of std"]),
    ("nothing_forbidden", {"cli/a.cc": 'printf("x");\n', "fs/mount/a.cc": "std::cerr << x;\n"},
     ["cli/a.cc:1: prints", "fs/mount/a.cc:1: prints"]),
    ("nothing_forbidden", {"cli/process/standard_streams.cc": "std::cout\n", "tests/core/a.cc": 'printf("x");\n'}, []),

    ("rulers_are_whole", {"core/base/a.h": "// ---- what it asks\n// for ----\n"},
     ["core/base/a.h:1: half a ruler", "core/base/a.h:2: half a ruler"]),
    ("rulers_are_whole", {"core/base/a.h": "  // ---- words --\n"}, ["core/base/a.h:1: half a ruler"]),
    ("rulers_are_whole", {"core/base/a.h": "// ---- some words ----\n//   a --RequestLoop--> b\n// --fake is an option\n"}, []),

    ("list_items_are_indented", {"core/base/a.h": "// Two:\n//  - one that goes\n//  on here\n"},
     ["core/base/a.h:3: a list's item"]),
    ("list_items_are_indented", {"core/base/a.h": "// 1. one that goes\n// on here\n"}, ["core/base/a.h:2: a list's item"]),
    ("list_items_are_indented", {"core/base/a.h": "// 1. one that\n//    goes on\n// 2. two\n//\n// Behind it.\n"}, []),

    ("no_word_stands_alone", {"core/base/a.h": "// A sentence that a tool\n// broke\n// in two.\n"},
     ["core/base/a.h:2: one word"]),
    ("no_word_stands_alone", {"core/base/a.h": "// A sentence that ends on a\n// word.\n//\n// word\n"}, []),

    ("comments_fit", {"core/base/a.h": "// " + "x" * 108 + "\n"}, ["core/base/a.h:1: has 111 columns"]),
    ("comments_fit", {"core/base/a.h": "// " + "x" * 107 + "\n" + "x" * 111 + "\n"}, []),

    ("names_in_documents_exist", {"README.md": "see `core/base/gone.h`\n"}, ["README.md:1: no file core/base/gone.h"]),
    ("names_in_documents_exist", {"README.md": "```\ncore/gone/   x\n```\nfs/gone\n"},
     ["README.md:2: no path core/gone", "README.md:4: no path fs/gone"]),
    ("names_in_documents_exist", {"core/base/README.md": "\n`a.h`\n", "core/device/a.h": ""},
     ["core/base/README.md:2: no file a.h"]),
    ("names_in_documents_exist", {"README.md": "[x](docs/gone.md)\n"}, ["README.md:1: leads nowhere"]),
    ("names_in_documents_exist",
     {"README.md": "`GoneClass` `gone_function` `gone()` `Kept::gone` `Kept`\n", "core/base/a.h": "Kept"},
     ["README.md:1: GoneClass", "README.md:1: gone_function", "README.md:1: gone", "README.md:1: Kept::gone"]),
    ("names_in_documents_exist", {"README.md": "`vfs::write_file`\n", "core/base/a.h": "// vfs\nwrite_file"},
     ["README.md:1: vfs::write_file"]),
    ("names_in_documents_exist", {"README.md": "`--gone` `scripts/x --kept`\n", "scripts/x": "--kept gone"},
     ["README.md:1: no program has an option --gone"]),
    ("names_in_documents_exist", {"README.md": "`gone=BYTES` `gone-raid1` `gone_*`\n"},
     ["README.md:1: no option is named gone", "README.md:1: gone-raid1", "README.md:1: gone_*"]),
    ("names_in_documents_exist",
     {"core/base/README.md": "`a.h` `a_test.cc` `a_class.cc` `a_{class,test}` `Kept::kept()` `Kept<T>` `kept=N` `core/base`\n"
                             "`*.h` `cp --reflink=always` `/dev/fuse` `$KEPT` `core/base/a_*` `kept_function` `build/release`\n"
                             "core/base/a.h.\n",
      "core/base/a.h": "Kept kept KEPT kept_function", "core/base/a_class.cc": "", "tests/core/base/a_test.cc": ""}, []),

    ("tests_say_skip", {"tests/a_test.cc": TEST + "  if (!have()) return;\n}\n"}, ["tests/a_test.cc:2: without a word"]),
    ("tests_say_skip", {"tests/a_test.cc": TEST + '  if (!have()) {\n    WARN("none here");\n    return;\n  }\n}\n'},
     ["tests/a_test.cc:4: without a word"]),
    ("tests_say_skip", {"tests/a_test.cc": TEST + '  SECTION("x") { if (n == 10\'000) return; }\n}\n'},
     ["tests/a_test.cc:2: without a word"]),
    ("tests_say_skip", {"tests/a_test.cc": TEST + '  WARN("SKIP: one");\n}\n' + TEST + "  if (!have()) return;\n}\n"},
     ["tests/a_test.cc:5: without a word"]),
    ("tests_say_skip", {"tests/a_test.cc": TEST + '  if (!have()) {\n    WARN("SKIP: none here");\n    return;\n  }\n}\n'}, []),
    ("tests_say_skip", {"tests/a_test.cc": '#include "tests/b.h"\n' + TEST + "  if (!have() || dir().empty()) return;\n}\n",
                        "tests/b.h": "// Says SKIP when not.\nbool have();\n"}, []),
    ("tests_say_skip", {"tests/a_test.cc": 'bool have() {\n  puts("SKIP");\n}\n' + TEST + "  if (!have()) return;\n}\n"}, []),
    ("tests_say_skip", {"tests/a_test.cc": TEST + "  each([&](int a) {\n    if (a) return;\n  });\n}\n"
                                           "void f() { return; }\n"}, []),

    ("questions_are_answered", {"tests/a_test.cc": TEST + "  if (running_as_root()) {\n    CHECK(true);\n  }\n}\n"},
     ["tests/a_test.cc:2: nobody hears of a no"]),
    ("questions_are_answered", {"tests/a.cc": "void f() {\n  puts(\"SKIP\");\n}\nvoid g() {\n  if (!have_program(\"x\")) return;\n}\n"},
     ["tests/a.cc:5: nobody hears of a no"]),
    ("questions_are_answered", {"tests/a.cc": "bool f() {\n  if (have_program(\"x\")) return true;\n  puts(\"SKIP\");\n  return false;\n}\n",
                                "tests/a.h": "bool running_as_root();\n", "core/base/a.cc": "void f() { have_program(1); }\n"}, []),

    ("shell_tests_say_skip", {"tests/generic/001": "[ -e x ] || exit 0\n"}, ["tests/generic/001:1: as if it had passed"]),
    ("shell_tests_say_skip", {"tests/generic/001": "f() {\n  exit\n}\n"}, ["tests/generic/001:2: as if it had passed"]),
    ("shell_tests_say_skip", {"tests/generic/001": "python3 - << 'PY'\nsys.exit(0)\nPY\n"},
     ["tests/generic/001:2: as if it had passed"]),
    ("shell_tests_say_skip",
     {"tests/generic/001": "exit 1\n# exit 0\nbash -c '\n  exit 0\n'\necho \"exit status $?\"\ncat <<EOF\nexit 0\nEOF\n",
      "tests/generic/common.sh": '_notrun() { echo "$*" > "$XT_NOTRUN"; exit 0; }\n'}, []),

    ("loop_devices_are_let_go_by_name", {"tests/generic/001": "trap 'losetup -d $a' EXIT\n"}, ["tests/generic/001:1: may detach"]),
    ("loop_devices_are_let_go_by_name",
     {"tests/generic/001": "losetup -f --show a\n", "tests/generic/common.sh": 'losetup -d "$loop"\n'}, []),

    ("left_out_parts_are_told", {"tests/generic/001": "if command -v x; then\n  x\nfi\n"}, ["tests/generic/001:1: without a word"]),
    ("left_out_parts_are_told", {"tests/generic/a.sh": "  grep -q x /proc/filesystems || kernel=\n"}, ["tests/generic/a.sh:1: without"]),
    ("left_out_parts_are_told", {"tests/generic/001": "if command -v x; then x; else\n  _left_out x\nfi\ncommand -v y || _notrun y\n# command -v\n"},
     []),
]


def told(finding, expected):
    place, part = expected.split(": ", 1)
    return place == f"{finding.path}:{finding.line}" and part in finding.message


# Prints what is told and should not be, or should be and is not; the exit status.
def self_test(rules):
    for name, value in EXCEPTIONS.items():
        setattr(exceptions, name, value)
    wrong = 0
    for rule in rules:
        examples = [(texts, expected) for name, texts, expected in VIOLATIONS if name == rule.__name__]
        problems = [] if {bool(expected) for _, expected in examples} == {True, False} else ["needs an example of each kind"]
        for texts, expected in examples:
            findings = list(rule(Tree(texts)))
            problems += [f"does not tell: {each}" for each in expected
                         if not any(told(finding, each) for finding in findings)]
            problems += [f"tells: {finding}" for finding in findings if not any(told(finding, each) for each in expected)]
        for problem in problems:
            print(f"{rule.__name__}: {problem}")
        wrong += len(problems)
    violations = sum(bool(expected) for _, _, expected in VIOLATIONS)
    print(f"lint --self-test: {wrong} problems" if wrong else f"lint --self-test: {len(rules)} rules tell {violations} "
          f"violations, and nothing of {len(VIOLATIONS) - violations} sound trees")
    return 1 if wrong else 0
