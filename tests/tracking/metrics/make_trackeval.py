"""Writes trackeval.json: random sequences, and what the real TrackEval says of them.

    python3 -m venv /tmp/trackeval && /tmp/trackeval/bin/pip install numpy scipy && \
        /tmp/trackeval/bin/pip install --no-deps trackeval==1.3.0
    /tmp/trackeval/bin/python tests/tracking/metrics/make_trackeval.py

trackeval 1.3.0 on PyPI is github.com/kovalp/TrackEval, the packaged fork of github.com/JonathonLuiten/TrackEval; the
definitions in metrics/{clear,identity,hota}.py are the same.
"""

import contextlib
import io
import json
import pathlib
import random

import numpy as np

with contextlib.redirect_stdout(io.StringIO()):
    import trackeval
    from trackeval.datasets._base_dataset import _BaseDataset

SEQUENCES = 20


def truth_of(rng, frames, objects, room):
    """Per frame a dict of id to box: objects on straight ways, which cross the more often the less room there is."""
    ways = []
    for number in range(1, objects + 1):
        first = rng.randrange(0, max(1, frames // 3))
        last = rng.randrange(max(first + 1, frames // 2), frames + 1)
        size = rng.randint(60, 220), rng.randint(60, 260)
        start = rng.randint(200, 200 + room), rng.randint(200, 200 + room // 2)
        speed = rng.randint(-room // 25, room // 25), rng.randint(-4, 4)
        ways.append((number, first, last, size, start, speed))
    return [
        {
            number: [start[0] + speed[0] * (at - first), start[1] + speed[1] * (at - first), *size]
            for number, first, last, size, start, speed in ways
            if first <= at < last
        }
        for at in range(frames)
    ]


def tracks_of(rng, truth, miss, false, switch, jitter):
    """What a bad tracker makes of it: misses, false boxes, new ids, ids exchanged, boxes that shake."""
    track_of, next_track, ghosts, frames = {}, 100, {}, []
    for objects in truth:
        if len(objects) > 1 and rng.random() < switch:
            one, other = rng.sample(sorted(objects), 2)
            track_of[one], track_of[other] = track_of.get(other), track_of.get(one)
        tracks = {}
        for number, box in objects.items():
            if track_of.get(number) is None or rng.random() < switch / 3:
                track_of[number], next_track = next_track, next_track + 1
            if rng.random() < miss:
                continue
            shake = lambda size: round(rng.gauss(0, jitter * size))
            x, y, width, height = box
            tracks[track_of[number]] = [
                x + shake(width), y + shake(height), max(8, width + shake(width)), max(8, height + shake(height))
            ]
        if rng.random() < false:
            ghosts[next_track], next_track = rng.randint(1, 5), next_track + 1
        for ghost in sorted(ghosts):
            if ghosts[ghost] > 0:
                ghosts[ghost] -= 1
                near = rng.choice(sorted(objects.values())) if objects else [rng.randint(0, 900), 300, 90, 90]
                tracks[ghost] = [near[0] + rng.randint(-90, 90), near[1] + rng.randint(-90, 90), near[2], near[3]]
        frames.append(tracks)
    return frames


def measured(truth, tracks):
    """TrackEval's input format, then its metrics."""
    ids = [sorted({number for frame in side for number in frame}) for side in (truth, tracks)]
    position = [{number: at for at, number in enumerate(numbers)} for numbers in ids]
    listed = [
        [np.array([position[side][number] for number in frame], dtype=int) for frame in frames]
        for side, frames in enumerate((truth, tracks))
    ]
    boxes = lambda frame: np.array(list(frame.values()), dtype=float).reshape(-1, 4)
    data = {
        "gt_ids": listed[0],
        "tracker_ids": listed[1],
        "num_gt_ids": len(ids[0]),
        "num_tracker_ids": len(ids[1]),
        "num_gt_dets": sum(len(frame) for frame in truth),
        "num_tracker_dets": sum(len(frame) for frame in tracks),
        "num_timesteps": len(truth),
        "similarity_scores": [
            _BaseDataset._calculate_box_ious(boxes(a), boxes(b), box_format="xywh") for a, b in zip(truth, tracks)
        ],
    }
    return {metric.get_name(): metric.eval_sequence(data) for metric in METRICS}


def numbers_of(result):
    clear, identity, hota = result["CLEAR"], result["Identity"], result["HOTA"]
    return {
        "MOTA": float(clear["MOTA"]),
        "MOTP": float(clear["MOTP"]),
        "IDSW": int(clear["IDSW"]),
        "CLR_TP": int(clear["CLR_TP"]),
        "CLR_FN": int(clear["CLR_FN"]),
        "CLR_FP": int(clear["CLR_FP"]),
        "IDF1": float(identity["IDF1"]),
        "IDP": float(identity["IDP"]),
        "IDR": float(identity["IDR"]),
        "HOTA": float(np.mean(hota["HOTA"])),
        "DetA": float(np.mean(hota["DetA"])),
        "AssA": float(np.mean(hota["AssA"])),
    }


with contextlib.redirect_stdout(io.StringIO()):
    METRICS = [
        trackeval.metrics.CLEAR({"THRESHOLD": 0.5, "PRINT_CONFIG": False}),
        trackeval.metrics.Identity({"THRESHOLD": 0.5, "PRINT_CONFIG": False}),
        trackeval.metrics.HOTA(),
    ]


def main():
    sequences, results = [], []
    for number in range(SEQUENCES):
        rng = random.Random(number)
        truth = truth_of(rng, frames=rng.randint(14, 44), objects=rng.randint(2, 6), room=rng.choice([80, 700]))
        tracks = tracks_of(
            rng,
            truth,
            miss=rng.choice([0.0, 0.1, 0.3]),
            false=rng.choice([0.0, 0.1, 0.4]),
            switch=rng.choice([0.0, 0.1, 0.3]),
            jitter=rng.choice([0.0, 0.05, 0.12, 0.2]),
        )
        if number == SEQUENCES - 2:  # nothing found
            tracks = [{} for _ in tracks]
        if number == SEQUENCES - 1:  # nothing to find
            truth = [{} for _ in truth]
        result = measured(truth, tracks)
        results.append(result)
        rows = lambda frame: [[number, *box] for number, box in frame.items()]
        frames = [[rows(a), rows(b)] for a, b in zip(truth, tracks)]
        sequences.append({"frames": frames, "expected": numbers_of(result)})
    combined = {
        metric.get_name(): metric.combine_sequences(
            {str(at): result[metric.get_name()] for at, result in enumerate(results)}
        )
        for metric in METRICS
    }
    about = "made by make_trackeval.py with trackeval 1.3.0; frames: [truth, tracks], each [id, left, top, width, height]"
    lines = [json.dumps(sequence, separators=(",", ":")) for sequence in sequences]
    text = '{"about":%s,\n"combined":%s,\n"sequences":[\n%s\n]}\n' % (
        json.dumps(about),
        json.dumps(numbers_of(combined), separators=(",", ":")),
        ",\n".join(lines),
    )
    pathlib.Path(__file__).with_name("trackeval.json").write_text(text)


main()
