"""A saved explanation beside the present one: did the network's reasons change, and what was asked differently?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts import Axis, Chart, bars
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.attribution.agreement import map_agreement
from dnnexplain.explain.attribution.maps import Attribution
from dnnexplain.explain.attribution.sentences import number, start
from dnnexplain.explain.faithfulness.compared import TrustedComparison
from dnnexplain.results import Question, Result, array_field, same

__all__ = ["ThenAndNow", "asked_differently", "compare_saved"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ThenAndNow(Result):
    """Two explanations by the same methods, group by group.

    Attributes:
        question, then: what is asked now and what was asked then.
        methods: those that both have ``[M]``.
        before, after: each method's net sum per knob group then and now ``[M, G]``.
        agreement: Spearman's rank correlation between the two, over groups that say something then or now
            ``[M]``; NaN where they do not vary.
        levels: per method the badge's colour then and now.
        differs: what was asked differently, in words; empty if the questions are the same.
    """

    question: Question
    then: Question
    methods: tuple[str, ...]
    group_names: tuple[str, ...]
    levels: tuple[tuple[str, str], ...]
    differs: tuple[str, ...]
    before: NDArray[np.float64] = array_field("method", "group")
    after: NDArray[np.float64] = array_field("method", "group")
    agreement: NDArray[np.float64] = array_field("method")

    def sentence(self) -> str:
        """What was asked differently, how far the answers agree, and where they moved most."""
        question = f"Asked differently: {'; '.join(self.differs)}." if self.differs else "The same question as then."
        if np.array_equal(self.before, self.after):
            return f"{question} The answers are the same to the last digit."
        words = [
            f"{name} {number(value) if np.isfinite(value) else 'none, for one of them does not vary'}"
            for name, value in zip(self.methods, self.agreement, strict=True)
        ]
        method, group = np.unravel_index(int(np.abs(self.after - self.before).argmax()), self.before.shape)
        moved = f"{number(self.before[method, group], sign=True)} to {number(self.after[method, group], sign=True)}"
        most = f"{start(self.group_names[group])} moved most, from {moved} by {self.methods[method]}"
        return f"{question} Rank correlation of knob groups then and now: {', '.join(words)}. {most}."

    def table(self) -> list[dict[str, Any]]:
        """One row per method and group."""
        return [
            {"method": method, "group": group, "then": float(self.before[m, g]), "now": float(self.after[m, g])}
            for m, method in enumerate(self.methods)
            for g, group in enumerate(self.group_names)
        ]

    def picture(self) -> Chart:
        """What the first method gave to each group then and now."""
        shown = {"then": self.before[0], "now": self.after[0]} if self.methods else {}
        title = self.methods[0] if self.methods else ""
        return bars(self.group_names if self.methods else (), shown, Axis("net sum"), x=Axis("group"), title=title)


def compare_saved(then: TrustedComparison, now: TrustedComparison) -> ThenAndNow:
    """Put a saved explanation beside the present one.

    Args:
        then: as it was saved; of another network, state, target or version, as may be.
        now: the present one.

    Raises:
        DnnExplainError: they are about different systems, or have no method in common.
    """
    old, new = ({pair.method: (pair, badge) for pair, badge in side.pairs} for side in (then, now))
    groups = tuple(now.comparison.attributions[0].group_names)
    if then.question.system != now.question.system or any(item.group_names != groups for item, _ in old.values()):
        msg = f"the saved result is about {then.question.system} with other knob groups; compare results of one system"
        raise DnnExplainError(msg)
    methods = tuple(name for name in new if name in old)
    if not methods:
        msg = f"the saved result has {', '.join(old)}, this one {', '.join(new)}: no method in common to compare"
        raise DnnExplainError(msg)
    before, after = (np.stack([side[name][0].net for name in methods]) for side in (old, new))
    return ThenAndNow(
        question=now.question,
        then=then.question,
        methods=methods,
        group_names=groups,
        levels=tuple((str(old[name][1].overall), str(new[name][1].overall)) for name in methods),
        differs=_differences(old[methods[0]][0], new[methods[0]][0]),
        before=before,
        after=after,
        agreement=np.array([map_agreement(a, b) for a, b in zip(before, after, strict=True)]),
    )


def _differences(then: Attribution, now: Attribution) -> tuple[str, ...]:
    own = []
    if then.target != now.target:
        own.append(f"the target was {then.target}, now {now.target}")
    if then.baseline != now.baseline:
        own.append(f"it was counted from {then.baseline}, now from {now.baseline}")
    return asked_differently(then.question, now.question, *own)


def asked_differently(question: Question, other: Question, *own: str) -> tuple[str, ...]:
    """What differs between two questions, in words; ``own`` is what a kind of result says of itself."""
    differing = []
    if (question.policy, question.checkpoint) != (other.policy, other.checkpoint):
        weights = " with other weights" if question.policy == other.policy else ""
        differing.append(f"the network was {question.policy}{weights}")
    if not same(question.state, other.state):
        differing.append("the state was another one")
    differing += own
    if question.seed != other.seed:
        differing.append(f"the seed was {question.seed}, now {other.seed}")
    if not same(question.parameters, other.parameters):
        differing.append("the system had other parameters")
    if dict(question.versions) != dict(other.versions):
        changed = [name for name, version in other.versions.items() if question.versions.get(name) != version]
        differing.append(f"another version of {', '.join(changed)}")
    return tuple(differing)
