"""Writes the evaluation table of our own model into its card, models/README.md, between the two marks."""

import argparse
import os

from evaluate import evaluate

BEGIN = "<!-- evaluation: written by `make model-card` -->"
END = "<!-- end of evaluation -->"
SCENES = ("street", "office", "crossing", "parking")
LEAST_AREA = 32 * 32  # COCO's bound between small and medium objects, in a picture of 480×270
SHARED = os.path.join("..", "shared", "eval")


def row(name, table):
    """One row: the classes' AP50 and the mean's AP50 and AP."""
    classes = [f"{table[c][0]:.1f}" if c in table and table[c][2] else "–" for c in ("person", "bicycle", "car", "bus", "dog")]
    ap50, ap, objects = table["all"]
    return f"| {name} | {objects} | " + " | ".join(classes) + f" | **{ap50:.1f}** | {ap:.1f} |"


def rows(binary, model, held_out):
    """The table's rows over the rendered pictures."""
    yield row("simulated cameras", evaluate(binary, model, held_out, subset=SCENES))
    for scene in SCENES:
        yield row(f"– {scene}", evaluate(binary, model, held_out, subset=scene))
    yield row("composed at random", evaluate(binary, model, held_out, subset="composed"))
    yield row("all", evaluate(binary, model, held_out))
    yield row("all, objects of 32×32 pixels and more", evaluate(binary, model, held_out, least_area=LEAST_AREA))


def table(binary, model, held_out):
    """The text between the marks."""
    lines = [
        "| held-out pictures | objects | person | bicycle | car | bus | dog | AP50 | AP[.5:.95] |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *rows(binary, model, held_out),
    ]
    if os.path.isfile(os.path.join(SHARED, "annotations.json")):
        real = evaluate(binary, model, SHARED, names=("person", "car"))
        lines.append(row("real pictures (COCO, VOC), person and car", real))
    else:
        print(f"SKIPPED: no real pictures in {SHARED}: their row is left out")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the sightline program")
    parser.add_argument("--model", required=True, help="its model.yaml")
    parser.add_argument("--held-out", required=True, help="COCO-format folder")
    parser.add_argument("--readme", required=True, help="the file with the two marks")
    options = parser.parse_args()
    with open(options.readme, encoding="utf-8") as file:
        text = file.read()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise SystemExit(f"{options.readme}: the marks {BEGIN} and {END} are missing")
    written = table(options.binary, options.model, options.held_out)
    print(written)
    with open(options.readme, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{written}\n{END}{after}")


if __name__ == "__main__":
    main()
