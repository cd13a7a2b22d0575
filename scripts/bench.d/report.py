# SPDX-License-Identifier: GPL-2.0-or-later
"""Report: the table that people read, and the same as CSV and JSON for programs."""
import csv
import json

NOTE_LENGTH = 100


def goal(test, judged=True):
    if test.most is not None:
        return f"<= {test.most:g}"
    return f">= {test.floor:g}" if test.floor is not None and judged else ""


def digits(value, unit):
    return f"{value:.3f}" if unit == "s" else f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def cell(spread, unit):
    if spread is None:
        return ""
    text = digits(spread.median, unit)
    return text if spread.rounds < 2 else f"{text} ({digits(spread.min, unit)}-{digits(spread.max, unit)})"


def print_table(results, other, judged):
    rows = [["test", "options", "unit", other, "butterfuse", "ratio", "bound", "goal", "verdict", "note"]]
    for each in results:
        test = each.test
        rows.append([test.name, test.options, test.unit, cell(each.theirs, test.unit), cell(each.ours, test.unit),
                     *("" if ratio is None else f"{ratio:.2f}" for ratio in (each.ratio, each.bound)),
                     goal(test, judged), each.verdict, each.note[:NOTE_LENGTH]])
    if all(each.bound is None for each in results):
        rows = [row[:6] + row[7:] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def records(results, other, judged):
    for each in results:
        test = each.test
        record = {"name": test.name, "options": test.options, "unit": test.unit}
        for side, spread in ((other, each.theirs), ("butterfuse", each.ours)):
            for field in ("median", "min", "max"):
                record[f"{side}_{field}"] = None if spread is None else round(getattr(spread, field), 6)
        for name, ratio in (("ratio", each.ratio), ("bound", each.bound)):
            record[name] = None if ratio is None else round(ratio, 4)
        yield {**record, "floor": test.floor if judged else None,
               "most": test.most, "met": {"ok": True, "MISSED": False, "FAILED": False}.get(each.verdict),
               "verdict": each.verdict, "note": each.note}


def write_csv(path, results, other, judged):
    rows = list(records(results, other, judged))
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, rows[0].keys() if rows else ["name"])
        writer.writeheader()
        writer.writerows(rows)


def write_json(path, results, other, judged, about):
    with open(path, "w", encoding="utf-8") as out:
        json.dump({**about, "results": list(records(results, other, judged))}, out, indent=1)
        out.write("\n")
