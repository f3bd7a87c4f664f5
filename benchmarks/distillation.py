"""Distillation against Trustee 1.2.0 at equal leaves, on the shipped five-slot DeepRM network.

Trustee is a benchmark dependency only: ``pip install trustee==1.2.0`` into an environment of its own and
give its interpreter: ``python benchmarks/distillation.py --trustee /path/to/venv/bin/python``. Without it
our own figures are measured alone.

Both see the same kind of states (the network's, on 120 job sets, for Trustee) with the same domain
features; Trustee is measured twice: on action names, as it is used, and on our moves. Its trees are held
to the same number of leaves by its own ``max_leaf_nodes``. Fidelity is over actions, invalid ones masked,
on 200 job sets that nobody learned from. Times are of computing (CPU), imports and compilation apart on
both sides; ours holds visits, candidate trees run in the simulator and all figures, Trustee's its fit alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from dnnexplain import sampling
from dnnexplain.explain.distillation import distil
from dnnexplain.explain.distillation.decisions import decisions
from dnnexplain.policies import load_shipped
from dnnexplain.systems import make_system

TRUSTEE = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from trustee import ClassificationTrustee
data = np.load(sys.argv[1])
class Labels:
    '''The network as Trustee asks it: the label of rows that it was given.'''
    def __init__(self):
        self.known = {row.tobytes(): label for row, label in zip(data["X"], data["y"])}
    def predict(self, X):
        return np.array([self.known[np.ascontiguousarray(row, dtype=float).tobytes()] for row in np.asarray(X)])
began = time.process_time()
trustee = ClassificationTrustee(expert=Labels())
trustee.fit(data["X"], data["y"], num_iter=int(sys.argv[3]), num_stability_iter=int(sys.argv[4]),
            samples_size=0.3, max_leaf_nodes=int(sys.argv[5]), verbose=False)
tree = trustee.explain()[0]
seconds = time.process_time() - began
scores = np.zeros((len(data["U"]), int(data["count"])))
scores[:, tree.classes_.astype(int)] = tree.predict_proba(data["U"])
np.save(sys.argv[2], scores)
print(json.dumps({"seconds": seconds, "leaves": int(tree.get_n_leaves())}))
"""


def trustee(python, known, unseen, labels, count, iterations, leaves):
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "scores.npy"
        free = known.free
        np.savez(given, X=known.features[free], y=labels[free], U=unseen.features, count=count)
        arguments = [str(given), str(answer), *map(str, (*iterations, leaves))]
        done = subprocess.run([python, "-c", TRUSTEE, *arguments], check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1]), np.load(answer)


def why_not(python):
    """Why Trustee cannot be run, or an empty string."""
    if not python:
        return "no --trustee given"
    try:
        asked = "import importlib.metadata as m, trustee; print(m.version('trustee'))"
        done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{python} cannot be run: {error.strerror}"
    version = done.stdout.strip()
    if done.returncode:
        return f"{python} has no trustee: pip install trustee==1.2.0 there"
    return "" if version == "1.2.0" else f"{python} has trustee {version}, not 1.2.0"


def settings():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trustee", default="", help="interpreter of an environment with trustee==1.2.0")
    parser.add_argument("--leaves", type=int, default=20)
    parser.add_argument("--iterations", type=int, nargs=2, default=(50, 10), help="Trustee's README: 50 10")
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument("--sets", type=int, default=0, help="job sets a round; 0: the usual number")
    parser.add_argument("--unseen", type=int, default=200, help="job sets of each seed's own figures")
    return parser.parse_args()


def ours(system, network, draw, unseen, seed, options):
    began = time.process_time()
    mine = distil(system, network, draw, leaves=options.leaves, seed=seed, sets=options.sets, unseen=options.unseen)
    seconds = time.process_time() - began
    follows = unseen.follow(mine.tree.scores[mine.tree.apply(unseen.features)]) == unseen.action
    print(
        f"dnnexplain, seed {seed}: {mine.leaves} leaves, fidelity {follows.mean():.3f} (on its own unseen sets "
        f"{mine.fidelity:.4f}, {mine.fidelity_free:.3f} where there is a choice), slowdown {100 * mine.relative:+.1f}% ({100 * mine.relative_low:+.1f} to "
        f"{100 * mine.relative_high:+.1f}), {seconds:.2f} s"
    )


def main():
    options = settings()
    system = make_system("deeprm", slots=5)
    network = load_shipped(system)

    def draw(count, seed):
        return system.workloads("deeprm", count, seed, rate=0.7, steps=50)

    known = decisions(system, network, network, draw(120, 10))
    unseen = decisions(system, network, network, draw(200, 11))
    distil(system, network, draw, leaves=2, sets=2, unseen=2)  # loads scikit-learn and the compiled code
    for seed in options.seeds:
        ours(system, network, draw, unseen, seed, options)
    missing = why_not(options.trustee)
    if missing:
        print(f"Trustee is left out: {missing}.")
        return
    kinds = {"actions": (known.action, 6), "our moves": (known.move, len(system.features.moves))}
    for name, (labels, count) in kinds.items():
        said, scores = trustee(options.trustee, known, unseen, labels, count, options.iterations, options.leaves)
        actions = sampling.choose(scores, unseen.valid) if name == "actions" else unseen.follow(scores)
        print(
            f"Trustee on {name}, {options.iterations[0]} x {options.iterations[1]}: {said['leaves']} leaves, "
            f"fidelity {np.mean(actions == unseen.action):.3f}, {said['seconds']:.2f} s, visits not included"
        )


if __name__ == "__main__":
    main()
