"""Draws a run's log.jsonl as an SVG: loss, learning rate, and AP50 on the held-out pictures, over minutes."""

import json
import math
import sys

WIDTH, HEIGHT = 900, 260  # of one panel
LEFT, RIGHT, TOP, BOTTOM = 70, 180, 30, 40
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")
STYLE = "font-family:sans-serif;font-size:12px;fill:#333"


def read(path):
    """The lines of log.jsonl; an unfinished last one is left out."""
    lines = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return lines


def series(lines, keys):
    """{key: [(minutes, value)]} of the lines that have it."""
    return {key: [(line["seconds"] / 60, line[key]) for line in lines if key in line] for key in keys}


def ticks(top):
    """Five to eleven round numbers from 0 to `top`."""
    if top <= 0:
        return [0.0]
    step = 10.0 ** math.floor(math.log10(top))
    while top / step < 4:  # 10, 5, 2, 1, 0.5 …
        step /= 2.5 if f"{step:e}"[0] == "5" else 2
    return [round(i * step, 12) for i in range(int(top / step) + 1)]


def panel(title, lines, keys, offset, longest, top=None):
    """SVG of one panel whose top edge is at `offset`."""
    data = series(lines, keys)
    highest = top or max((v for values in data.values() for _, v in values), default=1.0) * 1.05 or 1.0
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(minute, value):
        x = LEFT + minute / longest * inner_width
        y = offset + TOP + inner_height * (1 - min(value, highest) / highest)
        return f"{x:.1f},{y:.1f}"

    parts = [f'<text x="{LEFT}" y="{offset + 18}" style="{STYLE};font-weight:bold">{title}</text>']
    for value in ticks(highest):
        y = place(0, value).split(",")[1]
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y}" dy="4" text-anchor="end" style="{STYLE}">{value:g}</text>')
    for minute in ticks(longest):
        x = place(minute, 0).split(",")[0]
        label = f'<text x="{x}" y="{offset + HEIGHT - BOTTOM + 18}" text-anchor="middle" style="{STYLE}">'
        parts.append(f"{label}{minute:g} min</text>")
    for index, (key, values) in enumerate(data.items()):
        if not values:
            continue
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(place(*point) for point in values)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        y = offset + TOP + 12 + 18 * index
        text = f"{key} {values[-1][1]:.4g}"
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y}" style="{STYLE};fill:{colour}">{text}</text>')
    return "\n".join(parts)


def draw(lines):
    """The whole SVG of a log."""
    longest = max((line["seconds"] for line in lines), default=60.0) / 60 or 1.0
    classes = sorted({key for line in lines for key in line if key.startswith("ap50_")})
    panels = [("Loss (mean between two lines of the log)", ["loss", "box", "classes"], None)]
    if any("ap50" in line for line in lines):
        panels.append(("AP50 on held-out pictures, averaged weights, per cent", ["ap50", *classes], 100.0))
    panels += [("Learning rate", ["rate"], None), ("Pictures per second", ["images_per_second"], None)]
    drawn = [panel(title, lines, keys, i * HEIGHT, longest, top) for i, (title, keys, top) in enumerate(panels)]
    size = f'width="{WIDTH}" height="{HEIGHT * len(panels)}"'
    body = "\n".join(drawn)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<rect {size} fill="white"/>\n{body}\n</svg>\n'


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: curves.py LOG.jsonl OUT.svg")
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(draw(read(sys.argv[1])))


if __name__ == "__main__":
    main()
