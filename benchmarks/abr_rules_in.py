"""Rules as soft teachers of a bitrate network: what they buy in training, and how what comes out does on other links.

    python benchmarks/abr_rules_in.py [--keep abr-rules-in] [--seeds 5] [--links DIR ...] [--table]

Small trainings from fresh weights on generated links (120 policy gradient steps of 96 sessions, branches of 48 units), the same for every
arm but for the teacher: none, robust-mpc-reset, bb, or "never the lowest bitrate with a buffer of 20 s or more", each
with strength 3, weight 1 at first, 0.95 of it after each step. Told are the decisions until the held-out QoE is that
of robust-mpc-reset, and QoE (mean, median) and stalls of the finished network on each folder of --links (without any:
100 generated puffer-like links). Everything finished is kept in --keep: after a stop, the same command goes on.
--table prints what there is; intervals are of the mean over seeds, differences are paired by seed.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from dnnexplain.intervals import mean_interval
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.recipes import MIXTURE
from dnnexplain.systems.abr.runner import run_policy
from dnnexplain.systems.abr.training import Recipe, Trainer

LEVEL = "robust-mpc-reset"
ARMS = {
    "none": (),
    LEVEL: ((LEVEL, 3.0),),
    "bb": (("bb", 3.0),),
    "never-lowest": (("never-lowest-with-full-buffer", 3.0),),
}
DECISIONS = 96 * 47


def measured(system, policy, sets):
    figures = {}
    for name, links in sets.items():
        found = system.run(policy, links).metrics
        figures[f"{name} mean"] = float(found["qoe"].mean())
        figures[f"{name} median"] = float(np.median(found["qoe"]))
        figures[f"{name} stalls"] = float(found["rebuffering"].mean())
    return figures


def train(system, arm, seed, keep, sets):
    recipe = Recipe(
        families=MIXTURE, pool=1000, checks=100, iterations=120, sessions=96, check_every=4, entropy=(0.1, 0.005),
        units=48, learning_rate=1e-3,
        teacher=ARMS[arm],
    )  # fmt: skip
    trainer = Trainer(recipe, seed)
    level = float(run_policy(trainer.checks, trainer.video, Params(), system.rules()[LEVEL]).total(trainer.qoe).mean())
    saved = keep / f"{arm}-{seed}.pt"
    module = trainer.run(save=saved)
    saved.unlink()
    reached = next((one["iteration"] for one in trainer.curve if one["score"] >= level), None)
    return {
        "level": level,
        "decisions": None if reached is None else reached * DECISIONS,
        "held-out": trainer.best,
        "curve": [[one["iteration"], one["score"]] for one in trainer.curve],
        **measured(system, TorchPolicy(module, system, name=arm), sets),
    }


def told(values):
    one = mean_interval(np.array(values))
    return f"{one.mean:.4g} ({one.low:.4g} to {one.high:.4g})"


def table(found, names):
    print(f"| teacher | seeds | reached {LEVEL} | decisions, millions | " + " | ".join(names) + " |")
    for arm in ARMS:
        rows = {seed: one for (other, seed), one in found.items() if other == arm}
        if not rows:
            continue
        reached = [one["decisions"] / 1e6 for one in rows.values() if one["decisions"]]
        line = [arm, len(rows), len(reached), told(reached) if len(reached) > 1 else "-"]
        print(
            "| " + " | ".join(map(str, [*line, *(told([one[name] for one in rows.values()]) for name in names)])) + " |"
        )
        both = [seed for seed in rows if ("none", seed) in found]
        if arm != "none" and len(both) > 1:
            apart = [told([rows[seed][name] - found["none", seed][name] for seed in both]) for name in names]
            print("| " + " | ".join([f"{arm} less none", str(len(both)), "", "", *apart]) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, default=Path("abr-rules-in"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--links", type=Path, action="append", default=[])
    parser.add_argument("--table", action="store_true", help="train nothing, print what there is")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.keep.mkdir(parents=True, exist_ok=True)
    file = given.keep / "records.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    found = {(one["arm"], one["seed"]): one for one in lines}
    system = make_system("abr")
    sets = {path.name: system.read_workloads(path)[0] for path in given.links if not given.table}
    sets = sets or {"puffer-like": system.workloads("puffer-like", 100, 77)}
    for seed in () if given.table else range(1, given.seeds + 1):
        for arm in ARMS:
            if (arm, seed) in found:
                continue
            began = time.process_time()
            one = {"arm": arm, "seed": seed, **train(system, arm, seed, given.keep, sets)}
            found[arm, seed] = one | {"cpu_seconds": time.process_time() - began}
            with file.open("a") as out:
                out.write(json.dumps(found[arm, seed]) + "\n")
            print({name: value for name, value in found[arm, seed].items() if name != "curve"}, flush=True)
    apart = {"arm", "seed", "level", "decisions", "curve", "cpu_seconds"}
    table(found, [name for name in next(iter(found.values()), {}) if name not in apart])


if __name__ == "__main__":
    main()
