# SPDX-License-Identifier: GPL-2.0-or-later
"""Results: what came out of each test, beside what it must reach."""
import collections
import statistics

from workload import LESS_IS_BETTER
from workloads_beside import MEMORY

# median, min and max of each side in the test's unit, None where nothing was measured; bound: the null server's ratio, where
# it is there; verdict: "ok", "MISSED", "SKIP", "FAILED", or empty where nothing is asked for.
Result = collections.namedtuple("Result", "test groups theirs ours ratio bound verdict note")
Spread = collections.namedtuple("Spread", "median min max rounds")


def spread(values):
    return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


def ratio_of(test, theirs, ours):
    """Above 1 butterfuse does better."""
    if not theirs or not ours or test.most is not None or not theirs.median or not ours.median:
        return None
    return theirs.median / ours.median if test.unit in LESS_IS_BETTER else ours.median / theirs.median


def verdict_of(test, ours, ratio, judged):
    if test.most is not None and ours:
        return "ok" if ours.median <= test.most else "MISSED"
    if test.floor is None or ratio is None or not judged:
        return ""
    return "ok" if ratio >= test.floor else "MISSED"


class Results(list):
    """judged: whether floors count; limits of butterfuse alone always do."""

    def __init__(self, stage, systems, courses, left_out, judged):
        super().__init__()
        other, ours, *bounds = systems
        for course in courses:
            why, reason = left_out.get(course.name, ("", ""))
            for test in course.tests:
                if test.name not in stage.wanted:
                    continue
                if test is MEMORY:
                    note_memory(stage, systems)
                pair = [spread(stage.values.get((test.name, fs.name), [])) for fs in (other, ours)]
                ratio = ratio_of(test, *pair)
                bound = next((ratio_of(test, pair[0], spread(stage.values.get((test.name, fs.name), []))) for fs in bounds), None)
                notes = [f"{fs.label}: {stage.notes[(test.name, fs.name)]}" for fs in systems if (test.name, fs.name) in stage.notes]
                verdict = "FAILED" if why == "FAILED" else verdict_of(test, pair[1], ratio, judged)
                if why == "SKIP" or verdict == "" and not pair[1]:
                    verdict, reason = "SKIP", reason or "not measured"
                self.append(Result(test, course.groups, *pair, ratio, bound, verdict, "; ".join(([reason] if reason else []) + notes)))

    def missed(self):
        return [result for result in self if result.verdict in ("MISSED", "FAILED")]


def note_memory(stage, systems):
    """The most that a daemon took in any course of this run."""
    for fs in systems:
        course = max(fs.peaks_mib, key=fs.peaks_mib.get, default=None)
        if course is not None:
            stage.values[(MEMORY.name, fs.name)] = [fs.peaks_mib[course]]
            stage.notes[(MEMORY.name, fs.name)] = f"most in {course}"
