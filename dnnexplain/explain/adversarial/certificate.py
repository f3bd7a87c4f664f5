"""The certificate of a minimal change: the decisions that the search compared are those that the policy takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import State, outside_valid
from dnnexplain.explain.adversarial.run import Run
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.explain.proofs import Certificate, Claim, certify

__all__ = ["certify_decisions"]

_SAMPLED = 48


def certify_decisions(run: Run) -> Certificate:
    """Decide allowed changes and the best one again, one at a time as the policy does, and compare outputs.

    A search decides states in large batches. A network whose answer to one state depends on the others of its
    batch, or on chance, decides otherwise when it runs; then nothing that was looked at proves anything.
    """
    policy, system, base = run.witness.policy, run.system, run.moves.base
    draw = np.random.default_rng(1)
    states = np.repeat(base.values[None], _SAMPLED, axis=0)
    atoms = run.moves.atoms
    for row in states if len(atoms) else ():
        atom = atoms[int(draw.integers(len(atoms)))]
        if len(atom.rows):
            row[list(atom.knobs)] = atom.rows[int(draw.integers(len(atom.rows)))]
    states = np.concatenate([base.values[None], states[run.allowed(states)]])

    def batched(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(policy.outputs(run.witness.observe(rows)))

    def one_by_one(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([decide(system, policy, State(row, base.background)).outputs for row in rows])

    claim = Claim("the policy decides every change as it was decided in the search")
    best = None if run.best is None else run.best.state.values
    words = "all allowed changes of the given state, whose background is kept"
    return certify(
        claim, batched, one_by_one, states, best, quantifies=f"{words}. {outside_valid(system, base)}".strip()
    )
