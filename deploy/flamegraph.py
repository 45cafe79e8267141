#!/usr/bin/env python3
"""flamegraph.py: `perf script` on stdin -> a flame graph as SVG on stdout.

Wide is what takes time, above it what it calls. Functions of libraries without symbols are gathered under the library's name. Used by
`make profile`; see docs/performance.md.
"""
import html
import re
import sys

WIDTH, ROW, LEAST = 1200, 17, 1.2  # pixels; what is narrower is left out


def stacks(lines):
    """(thread, frame, frame, …), outermost first, one for each sample."""
    thread, frames = None, []
    for line in lines:
        if not line.strip():
            if thread:
                yield (thread, *reversed(frames))
            thread, frames = None, []
        elif not line[0].isspace():
            # Threads that differ by their number alone are of one kind.
            thread = re.sub(r"[-:]?\d+$", "", line.split()[0])
        else:
            found = re.match(r"\s+[0-9a-f]+ (.*) \((.*)\)$", line.rstrip())
            if found:
                symbol, library = found.group(1), found.group(2).split("/")[-1]
                symbol = re.sub(r"\+0x[0-9a-f]+$", "", symbol)
                name = f"[{library.split('.so')[0]}]" if symbol == "[unknown]" else symbol
                if not frames or frames[-1] != name:
                    frames.append(name)


def tree(samples):
    root = [0, {}]
    for stack in samples:
        node = root
        node[0] += 1
        for name in stack:
            node = node[1].setdefault(name, [0, {}])
            node[0] += 1
    return root


def draw(name, node, left, depth, scale, total, out):
    width = node[0] * scale
    if width < LEAST:
        return depth
    share, hue = 100 * node[0] / total, sum(map(ord, name)) % 40
    title = html.escape(f"{name}: {share:.1f} %")
    label = html.escape(name[: int(width / 7)]) if width > 30 else ""
    out.append(
        f'<g><title>{title}</title><rect x="{left:.1f}" y="{{{depth}}}" width="{width:.1f}" height="{ROW - 1}" '
        f'fill="hsl({hue},85%,{62 + hue % 9}%)"/><text x="{left + 3:.1f}" y="[{depth}]">{label}</text></g>'
    )
    deepest, at = depth, left
    for child, below in sorted(node[1].items(), key=lambda item: -item[1][0]):
        deepest = max(deepest, draw(child, below, at, depth + 1, scale, total, out))
        at += below[0] * scale
    return deepest


def main():
    root = tree(stacks(sys.stdin))
    if not root[0]:
        sys.exit("flamegraph: no samples on stdin; run it behind `perf script`")
    out = []
    deepest = draw("all", root, 0, 0, WIDTH / root[0], root[0], out)
    height = (deepest + 1) * ROW + 4
    place = lambda depth: height - (int(depth) + 1) * ROW
    body = re.sub(r'y="\{(\d+)\}"', lambda found: f'y="{place(found.group(1))}"', "\n".join(out))
    body = re.sub(r'y="\[(\d+)\]"', lambda found: f'y="{place(found.group(1)) + 12}"', body)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" font-size="11">')
    print(f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>')


main()
