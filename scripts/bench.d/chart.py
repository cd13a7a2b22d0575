# SPDX-License-Identifier: GPL-2.0-or-later
"""Chart: the ratios as bars on a logarithmic scale around 1, as one SVG that suits light and dark pages."""
import math
from xml.sax.saxutils import escape

WIDTH, LABEL, VALUE, ROW, TOP, BAR = 760, 190, 60, 22, 92, 12
GROUPS = {"stream": "One large file", "small": "Small files", "program": "Programs", "beside": "Beside a writer", "growth": "Growth"}
# The picture has a ground of its own: the page around it may be dark where the reader's machine is not.
STYLE = """
    .page { fill: #ffffff }
    text { font: 12px system-ui, sans-serif; fill: #24292f }
    .title { font-size: 15px; font-weight: 600 }
    .group { font-weight: 600 }
    .quiet { fill: #57606a; font-size: 11px }
    .end { text-anchor: end }
    .middle { text-anchor: middle }
    .grid { stroke: #d0d7de }
    .one { stroke: #57606a; stroke-width: 1.5 }
    .floor { stroke: #24292f; stroke-width: 3 }
    .faster { fill: #2f81c7 }
    .slower { fill: #d9822b }
    .missed { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 }
      text { fill: #e6edf3 }
      .quiet { fill: #9da7b1 }
      .grid { stroke: #3d444d }
      .one { stroke: #9da7b1 }
      .floor { stroke: #e6edf3 }
      .faster { fill: #58a6ff }
      .slower { fill: #e09b4f }
    }
"""


class Scale:
    """Ratios to x, from one power of two to another."""

    def __init__(self, ratios):
        self.low = min(-1, math.floor(min(map(math.log2, ratios)) + 0.05))
        self.high = max(1, math.ceil(max(map(math.log2, ratios)) - 0.05))

    def x(self, ratio):
        span = min(max(math.log2(ratio), self.low), self.high) - self.low
        return LABEL + span / (self.high - self.low) * (WIDTH - LABEL - VALUE)

    def marks(self):
        return [2.0 ** power for power in range(self.low, self.high + 1)]


def text(x, y, words, kinds=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"' + (f' class="{kinds}"' if kinds else "") + f">{escape(words)}</text>"


def line(kind, x, top, bottom):
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def bar(result, scale, y):
    """One row: the name, the bar from 1 to the ratio, the floor's mark, the figure."""
    test, one, end = result.test, scale.x(1), scale.x(result.ratio)
    kind = "faster" if result.ratio >= 1 else "slower"
    parts = [text(LABEL - 10, y + 4, test.name, "end"),
             f'<rect class="{kind}" x="{min(one, end):.1f}" y="{y - BAR / 2:.1f}" width="{max(abs(end - one), 1):.1f}" height="{BAR}"/>']
    if test.floor:
        parts.append(line("floor", scale.x(test.floor), y - BAR / 2 - 3, y + BAR / 2 + 3))
    missed = result.verdict == "MISSED"
    parts.append(text(WIDTH - VALUE + 8, y + 4, f"{result.ratio:.2f}" + (" !" if missed else ""), "missed" if missed else ""))
    return parts


def draw(results, other, rounds):
    shown = [result for result in results if result.ratio]
    by_group = [(title, [each for each in shown if group in each.groups and each.groups[0] == group])
                for group, title in GROUPS.items()]
    by_group = [(title, rows) for title, rows in by_group if rows]
    if not by_group:
        return None
    scale = Scale([each.ratio for each in shown] + [each.test.floor for each in shown if each.test.floor])
    body, y = [], TOP
    for title, rows in by_group:
        y += ROW
        body.append(text(10, y - 6, title, "group"))
        for each in rows:
            y += ROW
            body += bar(each, scale, y - ROW / 2)
    bottom = y + 8
    grid = []
    for mark in scale.marks():
        grid += [line("one" if mark == 1 else "grid", scale.x(mark), TOP, bottom),
                 text(scale.x(mark), TOP - 6, f"{mark:g}", "quiet middle")]
    turns = f"median of {rounds} interleaved rounds" if rounds > 1 else "one round"
    head = [text(10, 22, f"Speed of butterfuse beside {other}", "title"),
            text(10, 42, f"Ratios of one run, {turns}, both on the same machine. Above 1 butterfuse is faster.", "quiet"),
            text(10, 58, "Upright marks: the least that is asked for; ! where it is missed.", "quiet")]
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 10:.0f}" width="{WIDTH}" '
                      f'height="{bottom + 10:.0f}" role="img" aria-label="Speed of butterfuse beside {escape(other)}">',
                      f"<style>{STYLE}</style>", '<rect class="page" width="100%" height="100%"/>', *head, *grid, *body, "</svg>"]) + "\n"
