"""Trains a detection network on a COCO-format folder, from random weights.

OUT gets checkpoint.pt (to resume), log.jsonl (one JSON object a line) and model/ (the averaged weights as ONNX, with
model.yaml): the network as it would be deployed, written at each evaluation and at the end.
"""

import argparse
import json
import os
import time

import numpy as np
import torch

import allocator
import export
from dataset import load
from ema import Average
from evaluate import evaluate
from loader import Batches, batches
from loss import DetectionLoss
from matching import Matcher, overlaps, read_anchors
from network import read
from schedule import Budget, factor


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="COCO-format folder to train on")
    parser.add_argument("--held-out", help="COCO-format folder to evaluate on while training")
    parser.add_argument("--model", required=True, help="folder of `sightline models build`")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="trained", help="the model's name in model.yaml")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--epochs", type=float)
    length.add_argument("--minutes", type=float, help="wall-clock time, evaluations included")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--optimizer", choices=("adamw", "sgd"), default="adamw")
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--warm-up", type=float, default=0.04, help="fraction of the run")
    parser.add_argument("--loss", choices=("focal", "mining"), default="focal")
    parser.add_argument("--box-weight", type=float, default=1.0)
    parser.add_argument("--match-iou", type=float, default=0.5)
    parser.add_argument("--match-relative", type=float, default=0.8, help="1: exactly SSD's matching")
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--clip", type=float, default=10.0, help="largest gradient norm")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, help="train on that many pictures only")
    parser.add_argument("--float32", action="store_true", help="no bfloat16")
    parser.add_argument("--binary", help="the sightline program, for evaluating while training")
    parser.add_argument("--evaluate-minutes", type=float, default=5.0)
    parser.add_argument("--evaluate-pictures", type=int, default=200)
    parser.add_argument("--log-seconds", type=float, default=10.0)
    parser.add_argument("--resume", action="store_true", help="go on from OUT/checkpoint.pt")
    return parser.parse_args()


def parameter_groups(network, weight_decay):
    """Convolutions' weights decay; biases, BatchNorm and depthwise filters do not."""
    decayed, free = [], []
    for unit in network.units.values():
        target = decayed if unit.conv.groups == 1 else free
        target.append(unit.conv.weight)
        free += [p for n, p in unit.named_parameters() if n != "conv.weight"]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def optimizer_of(network, options):
    groups = parameter_groups(network, options.weight_decay)
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.rate, momentum=0.9, nesterov=True, foreach=True)
    return torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.99), foreach=True)


def matchable(examples, matcher):
    """(objects, share with an anchor of IoU `threshold` or more), unaugmented: what the anchors can be taught."""
    best = [overlaps(matcher.boxes, e.boxes).max(axis=0) for e in examples[:500] if len(e.boxes)]
    best = np.concatenate(best) if best else np.zeros(0)
    share = float((best >= matcher.threshold).mean()) if len(best) else 0.0
    return sum(len(e.boxes) for e in examples), share


class Run:
    """One training run: the network, its average, the optimiser, and where the log and the checkpoints go."""

    def __init__(self, options):
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model, network = read(os.path.join(options.model, "model.onnx"))
        network.initialise(options.seed)
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = Average(self.network, options.ema)
        self.optimizer = optimizer_of(self.network, options)
        self.loss = DetectionLoss(options.loss, options.box_weight)
        self.step = 0
        self.spent = 0.0  # seconds of training before a resumption
        self.started = time.monotonic()
        os.makedirs(options.out, exist_ok=True)
        self.checkpoint = os.path.join(options.out, "checkpoint.pt")
        self.log_path = os.path.join(options.out, "log.jsonl")
        if options.resume:
            self.restore()
        else:
            open(self.log_path, "w", encoding="utf-8").close()

    def elapsed(self):
        """Seconds of training, those before a resumption included."""
        return self.spent + time.monotonic() - self.started

    def log(self, **values):
        line = {"step": self.step, "seconds": round(self.elapsed(), 1), **values}
        with open(self.log_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(" ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in line.items()), flush=True)

    def save(self):
        """Writes the checkpoint in one step, so that an interruption leaves a whole one."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.elapsed(),
        }
        torch.save(state, self.checkpoint + ".part")
        os.replace(self.checkpoint + ".part", self.checkpoint)

    def restore(self):
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.average.updates = state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent = state["step"], state["seconds"]

    def train_step(self, batch, rate):
        """One step; gives (box loss, class loss, gradient norm) as tensors."""
        images, classes, encodings = (t.to(self.device, non_blocking=True) for t in batch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=not self.options.float32):
            boxes, logits = self.network(images)
        box, classification = self.loss(boxes, logits, classes, encodings)
        self.optimizer.zero_grad(set_to_none=True)
        (box + classification).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if not torch.isfinite(norm):
            raise SystemExit(f"train: the gradient of step {self.step} is not finite; try a lower --rate, or --float32")
        self.optimizer.step()
        self.average.update(self.network)
        return box.detach(), classification.detach(), norm

    def snapshot(self):
        """Writes the averaged weights as a model folder; gives its manifest."""
        options = self.options
        source = f"training/train.py, from random weights, seed {options.seed}, step {self.step}"
        folder = os.path.join(options.out, "model")
        return export.export(self.model, self.average.network, options.model, folder, options.name, source)

    def average_precision(self, pictures):
        """The averaged weights' table on that many held-out pictures, as deployed; None without a program for it."""
        path = self.snapshot()
        options = self.options
        if not (options.binary and options.held_out):
            return None
        return evaluate(options.binary, path, options.held_out, pictures)

    def evaluate(self):
        """Logs the table. A failure is logged, too: it is no reason to lose the training."""
        try:
            table = self.average_precision(self.options.evaluate_pictures)
        except (RuntimeError, OSError) as error:
            self.log(evaluation_failed=str(error))
            return
        if table is None:
            return
        values = {f"ap50_{name}": round(ap50, 2) for name, (ap50, _, _) in table.items()}
        self.log(ap50=values.pop("ap50_all"), ap=round(table["all"][1], 2), **values)


def check_labels(network, names):
    """Fails when the network was built for another number of classes than the data has."""
    if network.classes != len(names) + 1:
        raise SystemExit(f"train: the model has {network.classes - 1} classes, the data {len(names)} ({', '.join(names)})")


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    run = Run(options)
    examples, names = load(options.data, longest_side=2 * run.network.size, limit=options.limit)
    check_labels(run.network, names)
    matcher = Matcher(read_anchors(os.path.join(options.model, "anchors.bin")), options.match_iou, options.match_relative)
    objects, share = matchable(examples, matcher)
    data = Batches(examples, matcher, run.network.size, options.batch, options.seed)
    steps = max(1, round(options.epochs * data.per_epoch)) if options.epochs else None
    budget = Budget(steps, options.minutes * 60 if options.minutes else None)
    settings = {k: v for k, v in vars(options).items() if v is not None}
    run.log(pictures=len(examples), objects=objects, anchors_match=round(share, 3), device=run.device.type, settings=settings)
    run.average_precision(2)  # fails now, not after an hour, when the program or the graph is of no use
    source = batches(data, run.step, options.workers)
    sums, counted = torch.zeros(3), 0
    logged = evaluated = run.elapsed()
    run.network.train()
    while budget.progress(run.step, run.elapsed()) < 1:
        rate = options.rate * factor(budget.progress(run.step, run.elapsed()), options.warm_up)
        sums += torch.stack([v.float().cpu() for v in run.train_step(next(source), rate)])
        run.step += 1
        counted += 1
        now = run.elapsed()
        if now - logged >= options.log_seconds:
            box, classes, norm = (sums / counted).tolist()
            speed = counted * options.batch / (now - logged)
            run.log(epoch=round(run.step / data.per_epoch, 3), loss=box + classes, box=box, classes=classes, norm=norm, rate=rate, images_per_second=round(speed, 1))
            sums, counted, logged = torch.zeros(3), 0, now
        if now - evaluated >= options.evaluate_minutes * 60:
            run.save()
            run.evaluate()
            evaluated = logged = run.elapsed()
            sums, counted = torch.zeros(3), 0
    run.save()
    run.evaluate()


if __name__ == "__main__":
    allocator.ensure()
    train(arguments())
