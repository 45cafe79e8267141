"""mAP of `sightline detect` by pycocotools, per subset, beside the reference figures.

The reference figures are those of ../shared/models/README.md: the same networks with OpenCV's resize. The command
fails when a subset's AP50 is further than 1.0 from its reference, or the mean over the subsets further than 0.5.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SUBSETS = ("coco_val128", "animal125", "voc85")
# AP50, AP[.5:.95] per subset: ../shared/models/README.md, "Measured here".
REFERENCE = {
    "ssd-mobilenet-v1-coco": {"coco_val128": (40.4, 25.1), "animal125": (72.0, 48.4), "voc85": (30.5, 16.9)},
    "ssd-mobilenet-v1-coco-int8": {"coco_val128": (40.9, 25.2), "animal125": (72.1, 47.9), "voc85": (30.6, 17.2)},
}
SCORE = 0.1  # lower changes nothing, says the reference
AP50_TOLERANCE = 1.0
MEAN_TOLERANCE = 0.5


def detect(binary, model, folder, images):
    """`sightline detect` over all pictures: {file name: line}."""
    paths = [os.path.join(folder, "images", image["file_name"]) for image in images]
    command = [binary, "detect", "--model", model, "--score", str(SCORE), *paths]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(lines) == len(images), f"{len(lines)} lines for {len(images)} pictures"
    return {os.path.relpath(line["source"], os.path.join(folder, "images")): line for line in lines}


def to_coco(lines, images, category_of):
    """Detections as pycocotools wants them: boxes in pixels, category ids."""
    results = []
    for image in images:
        for found in lines[image["file_name"]]["detections"]:
            if found["label"] not in category_of:
                continue
            box = found["box"]
            pixels = [box["x"] * image["width"], box["y"] * image["height"], box["w"] * image["width"], box["h"] * image["height"]]
            results.append({"image_id": image["id"], "category_id": category_of[found["label"]], "bbox": pixels, "score": found["score"]})
    return results


def average_precision(truth, results, image_ids, category_ids):
    """(AP50, AP[.5:.95]) in per cent over those pictures and categories."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.imgIds = image_ids
        evaluation.params.catIds = category_ids
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return 100 * evaluation.stats[1], 100 * evaluation.stats[0]


def labelled_categories(truth, images):
    """The categories a subset's pictures are labelled with: all of them, or those its pictures name."""
    named = images[0].get("labelled")
    if named:
        wanted = set(named)
        return [c["id"] for c in truth.dataset["categories"] if c["name"] in wanted or c["id"] in wanted]
    ids = {a["category_id"] for i in images for a in truth.imgToAnns[i["id"]]}
    return sorted(ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--eval", required=True)
    parser.add_argument("models", nargs="*", default=list(REFERENCE))
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(os.path.join(arguments.eval, "annotations.json"))
    category_of = {c["name"]: c["id"] for c in truth.dataset["categories"]}
    images = truth.dataset["images"]
    good = True
    for model in arguments.models:
        lines = detect(arguments.binary, model, arguments.eval, images)
        results = to_coco(lines, images, category_of)
        deviations = []
        for subset in SUBSETS:
            chosen = [i for i in images if i["subset"] == subset]
            ap50, ap = average_precision(truth, results, [i["id"] for i in chosen], labelled_categories(truth, chosen))
            line = f"{model:28} {subset:12} {len(chosen):4} pictures   AP50 {ap50:5.1f}   AP {ap:5.1f}"
            reference = REFERENCE.get(model, {}).get(subset)
            if reference:
                deviations.append(ap50 - reference[0])
                line += f"   reference {reference[0]:5.1f} / {reference[1]:5.1f}   difference {deviations[-1]:+.1f}"
                good &= abs(deviations[-1]) <= AP50_TOLERANCE
            print(line)
        if deviations:
            mean = sum(deviations) / len(deviations)
            print(f"{model:28} mean difference of AP50 {mean:+.2f}")
            good &= abs(mean) <= MEAN_TOLERANCE
    if not good:
        sys.exit("eval: outside the tolerance of 1.0 per subset or 0.5 in the mean")


if __name__ == "__main__":
    main()
