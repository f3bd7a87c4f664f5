"""Distillation against Trustee 1.2.0 at equal leaves, on the shipped five-slot DeepRM network.

Trustee is a benchmark dependency only: ``pip install trustee==1.2.0`` into an environment of its own and
give its interpreter: ``python benchmarks/distillation.py --trustee /path/to/venv/bin/python``.

Both see the same kind of states (the network's, on 120 job sets, for Trustee) with the same domain
features; Trustee is measured twice: on action names, as it is used, and on our moves. Its trees are held
to the same number of leaves by its own ``max_leaf_nodes``. Fidelity is over actions, invalid ones masked,
on 200 job sets that nobody learned from.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trustee", required=True, help="interpreter of an environment with trustee==1.2.0")
    parser.add_argument("--leaves", type=int, default=20)
    parser.add_argument("--iterations", type=int, nargs=2, default=(50, 10), help="Trustee's README: 50 10")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    from dnnexplain import sampling
    from dnnexplain.explain.distillation import distil
    from dnnexplain.explain.distillation.decisions import decisions
    from dnnexplain.policies import load_shipped
    from dnnexplain.systems import make_system

    system = make_system("deeprm", slots=5)
    network = load_shipped(system)

    def draw(count, seed):
        return system.workloads("deeprm", count, seed, rate=0.7, steps=50)

    known = decisions(system, network, network, draw(120, 10))
    unseen = decisions(system, network, network, draw(200, 11))
    began = time.process_time()
    mine = distil(system, network, draw, leaves=options.leaves, seed=options.seed)
    whole = time.process_time() - began
    follows = unseen.follow(mine.tree.scores[mine.tree.apply(unseen.features)]) == unseen.action
    print(f"dnnexplain: {mine.leaves} leaves, fidelity {follows.mean():.3f}, {whole:.1f} s of computing, ")
    print(f"  visits, {len(mine.sizes)} sizes run in the simulator for each of 3 seeds, and all figures included")
    kinds = {"actions": (known.action, 6), "our moves": (known.move, len(system.features.moves))}
    for name, (labels, count) in kinds.items():
        said, scores = trustee(options.trustee, known, unseen, labels, count, options.iterations, options.leaves)
        actions = sampling.choose(scores, unseen.valid) if name == "actions" else unseen.follow(scores)
        print(
            f"Trustee on {name}: {said['leaves']} leaves, fidelity {np.mean(actions == unseen.action):.3f}, "
            f"{said['seconds']:.1f} s of computing, visits not included"
        )


if __name__ == "__main__":
    main()
