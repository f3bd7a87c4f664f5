"""A policy in words: statements generated, tested, corrected, and the best short list of them with what it leaves open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Policy
from dnnexplain.counts import counted
from dnnexplain.explain.hypotheses.generating import generated
from dnnexplain.explain.hypotheses.proving import proved
from dnnexplain.explain.hypotheses.statement import Statement, doing, parse_statement
from dnnexplain.explain.hypotheses.testing import Tested, assess, changed_states
from dnnexplain.explain.regions.evidence import met_states, taken
from dnnexplain.explain.regions.where import quantities_of
from dnnexplain.numbers import percent
from dnnexplain.results import Question, Result, plain_field

__all__ = ["Hypotheses", "hypothesise"]

Draw = Callable[[int, int], Sequence[Any]]
Progress = Callable[..., object]
LEAST_GAIN = 0.005
"""A statement joins the short list where it says this share of all decisions more rightly."""


@dataclass(frozen=True, eq=False)
class Hypotheses(Result):
    """What may be said of a policy.

    Attributes:
        question: policy, seed, counts.
        statements: all that were tried, those that hold first, then by how much of the policy they explain.
        short: places in ``statements`` of the best short list: the first that speaks says what is done.
        explained, unexplained: shares of the decisions in the other half that the list says rightly, and the rest.
        tried: how many were tested; p values are corrected for it.
        states: met states of the other half.
        words: a sentence.
    """

    question: Question
    statements: tuple[Tested, ...]
    short: tuple[int, ...]
    explained: float
    unexplained: float
    tried: int
    states: int
    words: str
    assumed: list[str] = plain_field(default_factory=list)

    def table(self) -> list[dict[str, Any]]:
        """One row per statement: how often it agrees where it speaks, and what became of it."""
        return [
            {
                "hypothesis": item.words, "verdict": item.verdict, "agrees": item.agrees, "low": item.low, "high": item.high,
                "speaks in": item.applies, "explains": item.explains, "p": item.p,
            }
            for item in self.statements
        ]  # fmt: skip


def hypothesise(
    system: Any,
    policy: Policy,
    draw: Draw,
    *,
    own: Sequence[str] = (),
    sets: int = 40,
    states: int = 2000,
    pairs: int = 100,
    most: int = 5,
    seed: int = 0,
    stop: Event | None = None,
    progress: Progress | None = None,
) -> Hypotheses:
    """Generate statements from one half of the seeds, test them on the other.

    Args:
        system, policy: of whom to speak.
        draw: ``draw(count, seed)`` gives workloads.
        own: a user's statements; see :func:`~dnnexplain.explain.hypotheses.parse_statement`.
        sets: workloads in each half.
        states: met states of each half, at most.
        pairs: states that are changed for each group of knobs.
        most: statements of the short list.
        seed: of everything.
        stop: leaves what is not proved by then open.
        progress: called with what is done, of how many, and words.

    Raises:
        DnnExplainError: a statement of the user's that is none.
    """
    tell = progress or (lambda *_: None)

    def say(done: int, total: int) -> None:
        tell(1 + done / max(total, 1), 2, f"asking {done + 1} of {counted(total, 'statement')} by proof")

    given = [parse_statement(system, text) for text in own]
    tell(0, 2, "looking at the states that it meets")
    first, other = (met_states(system, policy, draw(sets, 2 * seed + half), states, seed) for half in (0, 1))
    statements = list(dict.fromkeys([*given, *generated(system, first, taken(system, policy, first))]))
    short = _short(system, statements, first, taken(system, policy, first), most)
    tested = assess(system, policy, statements, other, changed_states(system, other, pairs, seed))
    explained = float(_list_says(system, short, other, taken(system, policy, other)).mean())
    order = sorted(
        range(len(tested)), key=lambda k: (tested[k].verdict != "holds", -tested[k].explains, -tested[k].agrees)
    )
    place = {tested[k].statement: rank for rank, k in enumerate(order)}
    listed = "; else ".join(item.words(system) for item in short) or "nothing"
    words = (
        f"{policy.name} in {counted(len(short), 'statement')}: {listed}. The list says {percent(explained)} of "
        f"{counted(len(other), 'decision')} rightly and leaves {percent(1 - explained)} unexplained."
    )
    settings = {"sets": sets, "states": states, "pairs": pairs, "most": most, "own": list(own)}
    return Hypotheses(
        Question.about(system, policy, method="hypotheses", seed=seed, settings=settings),
        tuple(proved(system, policy, [tested[k] for k in order], seed=seed, say=say, stop=stop)),
        tuple(place[item] for item in short),
        explained,
        1.0 - explained,
        len(tested),
        len(other),
        words,
        [
            "Statements were generated in one half of the seeds and tested on the other; only what is said of every valid state is proved.",
            "Decisions of one workload count as independent in intervals and tests.",
            "Interventions take a group's knobs from another met state and keep the rest; changes that no valid state allows are left out.",
        ],
    )  # fmt: skip


def _speaking(system: Any, statement: Statement, observations: NDArray[Any]) -> NDArray[np.bool_]:
    quantities = quantities_of(system)
    return statement.where.holds(quantities.names, np.asarray(quantities(observations), dtype=np.float64))


def _short(
    system: Any, statements: Sequence[Statement], observations: NDArray[Any], own: NDArray[Any], most: int
) -> list[Statement]:
    """A list, grown greedily, that says most decisions rightly: specific statements before the ones they are exceptions of."""
    usable = [statement for statement in statements if statement.kind == "does"]
    speaks = np.array([_speaking(system, item, observations) for item in usable])
    right = np.array([system.output.same(own, doing(system, item.what, observations)) for item in usable])
    chosen: list[int] = []

    def says(order: Sequence[int]) -> float:
        spoken, good = np.zeros(len(own), dtype=bool), np.zeros(len(own), dtype=bool)
        for k in order:
            good |= ~spoken & speaks[k] & right[k]
            spoken |= speaks[k]
        return float(good.mean())

    while len(chosen) < most:
        now = says(chosen)
        tries = [
            (says([*chosen[:at], k, *chosen[at:]]), k, at)
            for k in range(len(usable))
            if k not in chosen
            for at in range(len(chosen) + 1)
        ]
        best = max(tries, key=lambda item: (item[0], -item[1]), default=(0.0, 0, 0))
        if best[0] < now + LEAST_GAIN:
            break
        chosen.insert(best[2], best[1])
    return [usable[k] for k in chosen]


def _list_says(
    system: Any, short: Sequence[Statement], observations: NDArray[Any], own: NDArray[Any]
) -> NDArray[np.bool_]:
    """In which states the first statement that speaks says the decision rightly ``[N]``."""
    spoken, good = np.zeros(len(observations), dtype=bool), np.zeros(len(observations), dtype=bool)
    for item in short:
        speaks = _speaking(system, item, observations) & ~spoken
        good |= speaks & system.output.same(own, doing(system, item.what, observations))
        spoken |= speaks
    return good
