"""Rules as a teacher, measured: a hardened network on the transfer grid, and what the teacher buys.

    python benchmarks/hardening.py [--keep hardening-runs] [--seeds 5] [--only PART ...] [--table]

Parts, each over the seeds: train (fine-tunes the shipped network on the grid's mix, with and without
teacher), grid (every cell against SJF), efficiency (from fresh weights: decisions until SJF's slowdown),
utilisation (share of steps above 80%), adversarial (job sets on which a network is far behind SJF).
Everything finished is kept in --keep, and training saves each iteration: after a stop, the same command
goes on. --table prints what there is. Times are CPU-seconds of one process on one thread. The figures of
record are in hardening.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from hardening_table import show

from dnnexplain.contract import Shift
from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.explain.transfer.grid import Transfer, transfer
from dnnexplain.policies import load, load_shipped, save
from dnnexplain.policies.training import GRID_FAMILIES, GRID_RATES, Trainer, make_recipe
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain.systems.deeprm.simulator.busy import share_above

PARTS = ("train", "grid", "efficiency", "utilisation", "adversarial")
GRID_SETS, GRID_SEED = 100, 2026
ATTACK_SECONDS = 8.0
THRESHOLD = 0.8
ARMS = ("hardened", "mix")
"""Fine-tuned on the mix: with the teacher of the recipe that ships, and without."""


class Records:
    """What was measured, one JSON line each; what is there is not measured again."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "records.jsonl"
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        self.found = {tuple(record["key"]): record["value"] for record in map(json.loads, lines)}

    def once(self, key, measure):
        if key not in self.found:
            began = time.process_time()
            value = measure()
            value["cpu_seconds"] = time.process_time() - began
            self.found[key] = value
            with self.file.open("a") as file:
                file.write(json.dumps({"key": key, "value": value}) + "\n")
            print(*key, {k: v for k, v in value.items() if not isinstance(v, list)}, flush=True)
        return self.found[key]


def hardening_recipe(arm, start):
    """The recipe that ships, from the shipped network, with or without its teacher."""
    changes = {} if arm == "hardened" else {"teacher": ()}
    return make_recipe(
        "hardened", start=start.checkpoint, architecture=start.metadata["architecture"], imitation_rounds=0, **changes
    )


def short_recipe(start=None, teacher=(), imitation=None, **changes):
    """A small run on the training workload at home."""
    begun = {} if start is None else {"start": start.checkpoint, "architecture": start.metadata["architecture"]}
    settings = {"imitation_rounds": 0, "job_sets": 8, "episodes": 8, "teacher": teacher, **begun, **changes}
    return make_recipe("default", **settings, **({"imitation": imitation} if imitation else {}))


def path_of(records, arm, seed):
    return records.folder / f"{arm}-{seed}.safetensors"


def train(world, records, seed):
    start = load_shipped(world)
    for arm in train.arms:
        out = path_of(records, arm, seed)

        def run(arm=arm, out=out):
            recipe = hardening_recipe(arm, start)
            trainer = Trainer(world, recipe, seed=seed, out=out, start=start)
            trainer.run()
            story = {"role": "hardened", "seed": seed, "recipe": recipe.to_dict(), "curve": trainer.progress.curve}
            story |= {"workload": recipe.workload, "seconds": trainer.progress.seconds}
            save(out, trainer.best(), {**story, "decisions": trainer.progress.decisions}, system=world)
            trainer.path.unlink()
            return {"score": trainer.progress.best, "decisions": trainer.progress.decisions}

        records.once(("train", arm, seed), run)


def networks(world, records, seed):
    """The plain network and those of a seed that are trained."""
    found = {arm: path_of(records, arm, seed) for arm in ARMS}
    return {"plain": load_shipped(world), **{arm: load(path, world) for arm, path in found.items() if path.exists()}}


def grid(world, records, seed):
    for arm, network in networks(world, records, seed).items():
        key = ("grid", arm, 1 if arm == "plain" else seed)

        def run(network=network):
            rows = [Shift(name, name) for name in GRID_FAMILIES]
            columns = [Shift(f"rate {rate:g}", "", {"rate": rate, "steps": 50}, rate) for rate in GRID_RATES]
            found: Transfer = transfer(
                world,
                {"network": network},
                rows,
                columns,
                rules=["sjf", "tetris"],
                sets=GRID_SETS,
                seed=GRID_SEED,
                jobs=1,
            )
            return {
                "network": found.episodes[:, :, 0].tolist(),
                "sjf": found.episodes[:, :, 1].tolist(),
                "tetris": found.cost[:, :, 2].tolist(),
                "starved": float(found.metric("starved")[:, :, 0].sum()),
            }

        records.once(key, run)


def efficiency(world, records, seed):
    """Decisions until the held-out slowdown is SJF's, from fresh weights."""
    for arm, rules in (("reward", ()), ("teacher", ({"rule": "sjf", "strength": 3.0, "source": ""},))):

        def run(rules=rules, arm=arm):
            recipe = short_recipe(teacher=rules, iterations=200, check_every=4)
            out = records.folder / f"efficiency-{arm}-{seed}.safetensors"
            trainer = Trainer(world, recipe, seed=seed, out=out)
            level = float(world.run(world.rules()["sjf"], trainer.checks.workloads).cost.mean())
            reached = trainer.run(stop=lambda: trainer.progress.best <= level) is False
            trainer.path.unlink(missing_ok=True)
            progress = trainer.progress
            return {
                "reached": bool(reached or progress.best <= level), "decisions": progress.decisions,
                "iterations": progress.iteration, "sjf": level, "best": progress.best,
                "curve": [[entry["decisions"], entry["score"]] for entry in progress.curve],
            }  # fmt: skip

        records.once(("efficiency", arm, seed), run)


def utilisation(world, records, seed):
    """Fine-tuned at home for a while, with and without the paper's 80% as a rule."""
    start = load_shipped(world)
    unseen = world.workloads("deeprm", 200, 77)

    def measured(policy):
        run = world.run(policy, unseen)
        return {
            "above": float(share_above(run.detail, world.params, THRESHOLD).mean()),
            "slowdown": float(run.cost.mean()),
        }

    for name, policy in (("plain", start), ("sjf", world.rules()["sjf"])):
        records.once(("utilisation", name, 1), lambda policy=policy: measured(policy))
    rule = {"rule": f"utilisation:{THRESHOLD:g}", "strength": 6.0, "source": ""}
    for arm, rules in (("reward", ()), ("teacher", (rule,))):

        def run(rules=rules, arm=arm):
            always = {"first": 1.0, "decay": 1.0, "least": 0.0}
            recipe = short_recipe(start, rules, always, iterations=30, learning_rate=2e-3, check_every=30)
            trainer = Trainer(
                world, recipe, seed=seed, start=start, out=records.folder / f"use-{arm}-{seed}.safetensors"
            )
            trainer.run()
            trainer.path.unlink(missing_ok=True)
            return measured(trainer.best())

        records.once(("utilisation", arm, seed), run)


def adversarial(world, records, seed):
    for arm, network in networks(world, records, seed).items():

        def run(network=network):
            starts = world.workloads("deeprm", 24, 1000 + seed)
            found = attack_sequence(
                world, network, starts, seconds=ATTACK_SECONDS, clock=time.process_time, seed=seed, oracle_seconds=1.0
            )
            return {"gap": found.gap, "network_slowdown": found.network, "sjf_slowdown": found.rule}

        records.once(("adversarial", arm, seed), run)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, default=Path("hardening-runs"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=ARMS, help="what to train")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--table", action="store_true", help="measure nothing, print what there is")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train.arms = arguments.arms
    world, records = DeepRM(), Records(arguments.keep)
    for seed in range(arguments.first_seed, arguments.seeds + 1):
        for part in () if arguments.table else arguments.only:
            globals()[part](world, records, seed)
    show(records.found)


if __name__ == "__main__":
    main()
