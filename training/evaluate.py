"""COCO mAP of a model over a COCO-format folder, by pycocotools, of what `sightline detect` finds.

Decoding and suppression are the program's own: Python has neither, so the figures are those of the deployed model.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dataset import picture_path, read_annotations

SCORE = 0.01  # low, so that the precision-recall curve is whole
PICTURES_PER_RUN = 500  # below the system's limit on a command's length


def detect(binary, manifest, paths, score=SCORE):
    """Detections per path, as `sightline detect` prints them."""
    found = {}
    for start in range(0, len(paths), PICTURES_PER_RUN):
        chunk = paths[start : start + PICTURES_PER_RUN]
        command = [binary, "detect", "--model", manifest, "--score", str(score), *chunk]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"{binary} detect failed with {manifest}: {run.stderr.strip()[-2000:]}")
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        if len(lines) != len(chunk):
            raise RuntimeError(f"{binary} detect answered {len(lines)} lines for {len(chunk)} pictures")
        found.update({line["source"]: line["detections"] for line in lines})
    return found


def to_results(folder, pictures, found, category_of):
    """Detections as pycocotools wants them; of labels that the folder does not know, none."""
    results = []
    for picture in pictures:
        width, height = picture["width"], picture["height"]
        for detection in found[picture_path(folder, picture["file_name"])]:
            if detection["label"] not in category_of:
                continue
            box = detection["box"]
            pixels = [box["x"] * width, box["y"] * height, box["w"] * width, box["h"] * height]
            category = category_of[detection["label"]]
            results.append({"image_id": picture["id"], "category_id": category, "bbox": pixels, "score": detection["score"]})
    return results


def summary(evaluation, category=None):
    """(AP50, AP[.5:.95]) in per cent, of one category (by index) or the mean over those that have objects."""
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [IoU, recall, category] over all sizes, 100 detections
    if category is not None:
        precision = precision[:, :, [category]]

    def mean(values):
        known = values[values > -1]
        return 100 * float(known.mean()) if known.size else float("nan")

    return mean(precision[0]), mean(precision)


def average_precision(truth, results, pictures, categories, least_area=0):
    """{name: (AP50, AP, objects)} per category and of `all`, over those pictures.

    Objects of less than `least_area` square pixels count neither as found nor as missed.
    """
    chosen = [p["id"] for p in pictures]
    ids = [c["id"] for c in categories]
    objects = truth.loadAnns(truth.getAnnIds(imgIds=chosen, catIds=ids))
    objects = [a for a in objects if not a.get("iscrowd") and a["area"] >= least_area]
    table = {}
    if not results:
        nothing = {c["name"]: (0.0, 0.0, sum(o["category_id"] == c["id"] for o in objects)) for c in categories}
        return nothing | {"all": (0.0, 0.0, len(objects))}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.imgIds = chosen
        evaluation.params.catIds = ids
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[least_area, 1e10]], ["counted"]
        evaluation.evaluate()
        evaluation.accumulate()
    for index, category_id in enumerate(evaluation.params.catIds):
        name = truth.cats[category_id]["name"]
        count = sum(o["category_id"] == category_id for o in objects)
        table[name] = (*summary(evaluation, index), count)
    table["all"] = (*summary(evaluation), len(objects))
    return table


def completed(annotations):
    """Annotations with the fields that pycocotools demands and a folder may lack."""
    for number, annotation in enumerate(annotations["annotations"], 1):
        annotation.setdefault("id", number)
        annotation.setdefault("iscrowd", 0)
        annotation.setdefault("area", annotation["bbox"][2] * annotation["bbox"][3])
    return annotations


def evaluate(binary, manifest, folder, limit=None, names=None, subset=None, least_area=0):
    """{category or "all": (AP50, AP, objects)} of a model over a folder.

    `limit` takes that many pictures, evenly spread; `names` only those categories; `subset` the pictures of that
    subset, or of those subsets; `least_area` only objects of so many square pixels.
    """
    annotations = completed(read_annotations(folder))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = annotations
        truth.createIndex()
    subsets = [subset] if isinstance(subset, str) else subset
    pictures = [p for p in annotations["images"] if subsets is None or p.get("subset") in subsets]
    categories = [c for c in annotations["categories"] if names is None or c["name"] in names]
    if names:
        pictures = [p for p in pictures if labelled(p, categories)]
    if limit and limit < len(pictures):
        pictures = [pictures[i] for i in np.linspace(0, len(pictures) - 1, limit).astype(int)]
    if not pictures:
        raise ValueError(f"{folder} has no picture to evaluate on")
    found = detect(binary, manifest, [picture_path(folder, p["file_name"]) for p in pictures])
    results = to_results(folder, pictures, found, {c["name"]: c["id"] for c in categories})
    return average_precision(truth, results, pictures, categories, least_area)


def labelled(picture, categories):
    """Whether all those categories are labelled in a picture: its `labelled` names them, or all are when it is empty."""
    known = picture.get("labelled")
    return not known or all(c["name"] in known or c["id"] in known for c in categories)


def markdown(tables):
    """A Markdown table of {model: {category: (AP50, AP, objects)}}."""
    rows = ["| model | class | objects | AP50 | AP[.5:.95] |", "|---|---|--:|--:|--:|"]
    for model, table in tables.items():
        for name, (ap50, ap, objects) in table.items():
            rows.append(f"| {model} | {name} | {objects} | {ap50:.1f} | {ap:.1f} |")
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="the sightline program")
    parser.add_argument("--data", required=True, help="COCO-format folder")
    parser.add_argument("--limit", type=int, help="that many pictures only")
    parser.add_argument("--classes", help="only those categories, by name, with commas")
    parser.add_argument("--subset", help="only the pictures of that subset")
    parser.add_argument("--json", help="write the table there, too")
    parser.add_argument("models", nargs="+", help="model.yaml files")
    arguments = parser.parse_args()
    names = arguments.classes.split(",") if arguments.classes else None
    tables = {}
    for path in arguments.models:
        name = os.path.basename(os.path.dirname(os.path.abspath(path)))
        tables[name] = evaluate(arguments.binary, path, arguments.data, arguments.limit, names, arguments.subset)
    print(markdown(tables), end="")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(tables, file, indent=1)


if __name__ == "__main__":
    main()
