"""Where a network is not a rule: the share of states in which both decide alike, and a tree of the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain import sampling
from dnnexplain.charts import Axis, Chart, heat
from dnnexplain.contract import DnnExplainError, Policy
from dnnexplain.explain.distillation.conditions import conditions
from dnnexplain.explain.distillation.tree import LEAF, Tree, grow, snapped
from dnnexplain.explain.distillation.world import Distillable, absent_of, whole_of
from dnnexplain.intervals import share_interval
from dnnexplain.numbers import percent, share
from dnnexplain.results import Question, Result, array_field, plain_field
from dnnexplain.rule_names import rule_label

__all__ = ["Disagreement", "disagree"]

AGREE, DIFFER = 0, 1
NAMES = ("same", "different")
LEAF_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Disagreement(Result):
    """Where two policies part, on the states that the first one visits and has a choice in.

    Attributes:
        question: who was compared.
        network, rule: their names.
        same: share of the states in which both do the same, with its 95% interval.
        same_free: share of the states in which both do the same, of those with more than one valid action.
        tree: asks where they differ; action 0 is "same", 1 "different". Learned on one half of the
            workloads.
        recall, precision: of the tree's "different" on the other half.
        features, units: what it asks about.
        actions: names of the actions.
        table_of_actions: states by what the rule does (row) and what the network does (column).
        words: a few sentences.
    """

    question: Question
    network: str
    rule: str
    same: float
    same_low: float
    same_high: float
    same_free: float
    tree: Tree
    recall: float
    precision: float
    features: tuple[str, ...]
    actions: tuple[str, ...]
    words: str
    table_of_actions: NDArray[np.int64] = array_field("rule", "network", unit="states")
    units: dict[str, str] = plain_field(default_factory=dict)
    absent: dict[str, float] = plain_field(default_factory=dict)
    whole: list[str] = plain_field(default_factory=list)

    def sentence(self) -> str:
        """What was found."""
        return self.words

    def text(self) -> str:
        """The tree as indented text."""
        return self.tree.to_words(self.features, NAMES, self.units, self.absent, self.whole)

    def table(self) -> list[dict[str, Any]]:
        """One row per pair of actions that was met: what each of the two does, and in how many states."""
        met = [(int(r), int(c)) for r, c in np.argwhere(self.table_of_actions > 0)]
        return [
            {self.rule: self.actions[r], self.network: self.actions[c], "states": int(self.table_of_actions[r, c])}
            for r, c in sorted(met, key=lambda pair: -int(self.table_of_actions[pair]))
        ]

    def picture(self) -> Chart:
        """States by what the rule does (down) and what the network does (across)."""
        value = Axis("states")
        return heat(self.table_of_actions, self.actions, self.actions, value, x=Axis(self.network), y=Axis(self.rule))


def disagree(
    system: Distillable,
    network: Policy,
    rule: Policy,
    workloads: Sequence[Any],
    *,
    leaves: int = 8,
    seed: int = 0,
) -> Disagreement:
    """Compare a network with a rule on the network's own states, and say where they part.

    Args:
        system: the world.
        network, rule: two policies; invalid actions are masked unless a policy says otherwise.
        workloads: at least four; the tree learns on every other one and is measured on the rest.
        leaves: most leaves of the tree of disagreements.
        seed: of the visit and the tree.
    """
    if len(workloads) < 4:
        msg = f"give at least 4 workloads, not {len(workloads)}: half of them are kept to measure on"
        raise DnnExplainError(msg)
    observations, episode = system.visit(network, workloads, seed=seed)
    valid = system.valid_actions(observations)
    first, second = _actions(network, observations, valid), _actions(rule, observations, valid)
    differ = (first != second).astype(np.int64)
    free = valid.sum(axis=1) > 1
    features = system.features(observations)
    learn = free & (episode % 2 == 0)
    tree = grow(
        features[learn], differ[learn], np.ones(int(learn.sum())), count=2, leaves=leaves, seed=seed
    ).simplified()
    names, units, absent = tuple(system.features.names), dict(system.features.units), absent_of(system)
    whole = whole_of(system)
    tree = snapped(tree, features[learn], names, absent)
    recall, precision = _measured(tree, features[~learn & free], differ[~learn & free])
    count = len(workloads)
    alike = np.bincount(episode, 1 - differ, minlength=count)
    same = share_interval(alike, np.bincount(episode, minlength=count)).three
    shape = (len(system.output.names),) * 2
    table = np.bincount(second * shape[1] + first, minlength=shape[0] * shape[1]).reshape(shape)
    return Disagreement(
        question=Question.about(
            system, network, method="tree of disagreements", seed=seed, settings={"rule": rule.name, "leaves": leaves}
        ),
        network=network.name,
        rule=rule.name,
        same=same[0],
        same_low=same[1],
        same_high=same[2],
        same_free=float(1 - differ[free].mean()) if free.any() else 1.0,
        tree=tree,
        recall=recall,
        precision=precision,
        features=names,
        units=units,
        actions=tuple(system.output.names),
        table_of_actions=table.astype(np.int64),
        absent=absent,
        whole=whole,
        words=_words(network.name, rule.name, same, _places(tree, names, units, absent, whole)),
    )


def _actions(policy: Policy, observations: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    shown = valid if getattr(policy, "masked", True) else None
    return sampling.choose(policy.outputs(observations), shown)


def _measured(tree: Tree, features: NDArray[np.float64], differ: NDArray[np.int64]) -> tuple[float, float]:
    said = tree.action[tree.apply(features)] == DIFFER if len(features) else np.zeros(0, dtype=bool)
    hit = float(np.sum(said & (differ == DIFFER)))
    return hit / max(1.0, float(np.sum(differ))), hit / max(1.0, float(np.sum(said)))


def _words(
    network: str,
    rule: str,
    same: tuple[float, float, float],
    places: list[str],
) -> str:
    head = f"{network} does what {rule_label(rule)} does in {percent(same[0])} of the states it meets ({_span(same)})"
    if not places:
        return f"{head}; no simple condition marks the others."
    return f"{head}. It differs mostly where {'; or where '.join(places[:3])}."


def _span(same: tuple[float, float, float]) -> str:
    return "no interval" if math.isnan(same[1]) else f"{percent(same[1])} to {percent(same[2])}"


def _places(
    tree: Tree, names: tuple[str, ...], units: dict[str, str], absent: dict[str, float], whole: list[str]
) -> list[str]:
    """The leaves that say "different", those with most states first, as conditions."""
    leaves = [int(n) for n in np.flatnonzero(tree.feature == LEAF) if tree.scores[n, DIFFER] > LEAF_SHARE]
    leaves.sort(key=lambda node: -float(tree.weight[node] * tree.scores[node, DIFFER]))
    return [
        f"{conditions(tree, leaf, names, units, absent, whole)} (different in {share(tree.scores[leaf, DIFFER])} of these)"
        for leaf in leaves
    ]
