"""The recipe that every system has: copy a rule, on states that the rule and then the growing network meet.

After Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online
Learning" (AISTATS 2011): the network chooses the states, the rule says what to do in them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dnnexplain.contract import Box, Choice, Discrete, DnnExplainError, Visiting, need
from dnnexplain.counts import counted
from dnnexplain.policies import TorchPolicy
from dnnexplain.policies.networks import mlp
from dnnexplain.policies.training import progress_path
from dnnexplain.registry import fair_rules, spec_of
from dnnexplain.tensor_files import read_saved_state

__all__ = ["imitation_loss", "run"]

HIDDEN = (32, 32)
"""Units of the hidden layers, where the system brings no network of its own."""

FIRST_SEED = 20_000
"""Of the workloads of the first round; each round has others."""

BATCH = 256
_ONE_IN = 1e-3
"""Learning rate of Adam."""

Report = Callable[[int, int, str], Any]


def run(system: Any, options: Mapping[str, Any], out: Path, report: Report) -> tuple[Any, dict[str, Any]]:
    """Train; see ``contract.Recipe.run``.

    Args:
        system: one that tells the states which a policy meets (``contract.Visiting``).
        options: ``imitate`` (the best rule if empty), ``rounds``, ``sets`` of each, ``epochs``; ``seed``, ``fresh``.
        out: the unfinished run lies beside it.
        report: called after each round.
    """
    need(system, Visiting, "training by imitation")
    begun = time.process_time()
    rules, seed, rounds, sets = system.rules(), int(options["seed"]), int(options["rounds"]), int(options["sets"])
    family = spec_of(system).family()
    chosen = str(options.get("imitate") or "") or _best(system, family.name, sets)
    if chosen not in rules:
        raise Choice("rule", chosen, tuple(rules)).error()
    own = next(iter(getattr(system, "networks", {}).values()), None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module: nn.Module = mlp(system, HIDDEN, seed) if own is None else own(system)
    optimizer = torch.optim.Adam(module.parameters(), lr=_ONE_IN)
    story = {"imitate": chosen, "rounds": rounds, "sets": sets, "epochs": int(options["epochs"]), "seed": seed}
    kept = progress_path(out)
    states, curve = _resumed(kept, story, module, optimizer, fresh=bool(options["fresh"]))
    if curve:
        report(len(curve), rounds, "resumed")
    for turn in range(len(curve), rounds):
        workloads = system.workloads(family.name, sets, FIRST_SEED + 1_000 * seed + turn)
        visitor = TorchPolicy(module, system, name="growing") if turn else rules[chosen]
        states.append(np.asarray(system.visit(visitor, workloads, seed=seed)[0], dtype=np.float32))
        seen = np.concatenate(states)
        loss = _learn(system, module, optimizer, seen, rules[chosen], story, turn)
        curve.append({"decisions": len(seen), "loss": loss})
        torch.save({"told": story, "module": module.state_dict(), "optimizer": optimizer.state_dict(), "curve": curve,
                    "states": [torch.from_numpy(state) for state in states]}, kept)  # fmt: skip
        report(turn + 1, rounds, f"loss {loss:.4f} on {counted(len(seen), 'decision')} of {chosen}")
    seconds = time.process_time() - begun
    return module.eval(), {
        "workload": {"name": family.name},
        "recipe": story,
        "training_time": f"{seconds:.3g} s of processor time, {counted(curve[-1]['decisions'], 'decision')}",
        "curve": curve,
    }


def imitation_loss(space: Any, outputs: Tensor, actions: Tensor) -> Tensor:
    """How far outputs ``[B, A]`` are from a rule's actions, in the form of the space's own outputs.

    Cross-entropy of a choice (``actions [B]``), of each switch (``[B, A]``, 0 or 1), or the mean squared difference of
    rates ``[B, A]``, each as a share of its range.
    """
    if isinstance(space, Discrete):
        return nn.functional.cross_entropy(outputs, actions.long())
    if isinstance(space, Box):
        low, high = space.bounds
        span = torch.as_tensor(np.where(np.isfinite(high - low), high - low, 1.0), dtype=outputs.dtype)
        return nn.functional.mse_loss(outputs / span, actions / span)
    return nn.functional.binary_cross_entropy_with_logits(outputs, actions)


def _learn(
    system: Any, module: nn.Module, optimizer: Any, seen: Any, rule: Any, options: Mapping[str, Any], turn: int
) -> float:
    """Some passes over all decisions so far; the last pass's mean loss."""
    space = system.output
    actions = space.decide(rule.outputs(seen), system.valid_actions(seen))
    inputs, wanted = torch.from_numpy(seen), torch.as_tensor(np.asarray(actions, dtype=np.float32))
    order, total = np.random.default_rng((options["seed"], turn)), 0.0
    module.train()
    for _ in range(options["epochs"]):
        total = 0.0
        for rows in np.array_split(order.permutation(len(seen)), max(1, len(seen) // BATCH)):
            loss = imitation_loss(space, module(inputs[rows]), wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows)
    module.eval()
    return total / len(seen)


def _best(system: Any, family: str, sets: int) -> str:
    """The rule with the least mean cost on the first round's number of workloads."""
    workloads = system.workloads(family, sets, FIRST_SEED)
    costs = {name: float(system.run(rule, workloads).cost.mean()) for name, rule in fair_rules(system).items()}
    return min(costs, key=costs.__getitem__)


def _resumed(
    kept: Path, options: Mapping[str, Any], module: nn.Module, optimizer: Any, *, fresh: bool
) -> tuple[list[Any], list[dict[str, Any]]]:
    """The states and the curve of an unfinished run, with its weights taken over; none if there is no such run.

    Raises:
        DnnExplainError: the run is damaged, or has other settings.
    """
    if fresh or not kept.exists():
        return [], []
    try:
        saved = read_saved_state(kept)
        if saved["told"] != options:
            msg = f"{kept} is an unfinished run with other settings; go on with those, or start again with --fresh"
            raise DnnExplainError(msg)
        module.load_state_dict(saved["module"])
        optimizer.load_state_dict(saved["optimizer"])
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        msg = f"{kept} is no unfinished run of this training ({type(error).__name__}); delete it, or start again with --fresh"
        raise DnnExplainError(msg) from None
    return [item.numpy() for item in saved["states"]], list(saved["curve"])
