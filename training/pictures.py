"""Chooses the busiest frame of each simulated camera; writes it as JPEG, and once more with the detections drawn in.

The drawn ones also go into one picture, as DRAWN-all.jpg.

python training/pictures.py FRAMES CHOSEN DRAWN-%s.jpg SIGHTLINE MODEL.YAML
"""

import json
import os
import subprocess
import sys
import tempfile

import cv2


def busiest(frames):
    """{scene: file name} of the frame with the most objects that show well; the first of equals."""
    best = {}
    with open(os.path.join(frames, "truth.jsonl"), encoding="utf-8") as file:
        for line in map(json.loads, file):
            scene, frame = line["camera"], line["frame"]
            count = sum(o.get("visible", 1) > 0.8 and o["box"]["h"] > 0.1 for o in line["objects"])
            if count > best.get(scene, (0, ""))[0]:
                best[scene] = (count, f"{scene}-{frame:03}.png")
    return {scene: name for scene, (_, name) in best.items()}


def main(frames, chosen, drawn, binary, model):
    os.makedirs(chosen, exist_ok=True)
    tiles = []
    for scene, name in busiest(frames).items():
        picture = cv2.imread(os.path.join(frames, name))
        cv2.imwrite(os.path.join(chosen, f"{scene}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(frames, name)
            command = [binary, "detect", "--model", model, "--draw", folder, source]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            tiles.append(cv2.imread(os.path.join(folder, name)))
            cv2.imwrite(drawn % scene, tiles[-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    upper, lower = cv2.hconcat(tiles[:2]), cv2.hconcat(tiles[2:4])
    cv2.imwrite(drawn % "all", cv2.vconcat([upper, lower]), [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main(*sys.argv[1:])
