# SPDX-License-Identifier: GPL-2.0-or-later
"""Transactions in SQLite until the disk goes away; afterwards every one that was reported is there.

Usage: sqlite_load.py write|check DATABASE wal|delete
write: prints each number after its transaction committed. check: reads these numbers from standard input."""
import sqlite3
import sys

action, path, mode = sys.argv[1:]


def open_database():
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    database.execute(f"PRAGMA journal_mode={mode}")
    # With FULL the removal of the journal, which is the commit in mode "delete", need not be durable yet.
    database.execute("PRAGMA synchronous=EXTRA")
    return database


if action == "write":
    try:
        database = open_database()
        database.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY, filler TEXT)")
        for number in range(1_000_000):
            database.execute("BEGIN")
            database.execute("INSERT INTO numbers VALUES (?, ?)", (number, "x" * (number * 37 % 3000)))
            database.execute("COMMIT")
            print(number, flush=True)
    except (sqlite3.Error, OSError):
        pass  # the disk went away
else:
    committed = {int(line) for line in sys.stdin if line.endswith("\n")}
    database = open_database()
    state = database.execute("PRAGMA integrity_check").fetchone()[0]
    found = {row[0] for row in database.execute("SELECT n FROM numbers")}
    if state != "ok" or committed - found or not committed:
        sys.exit(f"integrity {state}; {len(committed)} committed, {len(committed - found)} of them lost")
