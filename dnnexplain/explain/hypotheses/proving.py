"""Statements by proof: is one so in every valid state in which it speaks?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event
from typing import Any

from dnnexplain.contract import Discrete, Policy
from dnnexplain.explain.hypotheses.statement import doing
from dnnexplain.explain.hypotheses.testing import Tested
from dnnexplain.explain.proofs.throughout import (
    Everywhere,
    follows_throughout,
    ignores_throughout,
    taken_throughout,
)
from dnnexplain.explain.regions.where import quantities_of

__all__ = ["proved"]

MOST = 12
"""Statements that no met state refutes and that are asked by proof; more are left open, which is said."""


def proved(
    system: Any,
    policy: Policy,
    statements: Sequence[Tested],
    *,
    most: int = MOST,
    seed: int = 0,
    stop: Event | None = None,
    say: Callable[[int, int], object] = lambda *_: None,
) -> list[Tested]:
    """The statements with whether each is so throughout: a counterexample that was met refutes it, else it is asked.

    Args:
        system, policy: of whom they speak.
        statements: tested statements, those to be asked first in front.
        most: that are asked.
        seed: of searches for witnesses.
        stop: leaves the others open.
        say: called with statements asked and in all.
    """
    settled, count = [], 0
    total = min(most, sum(not entry.counterexamples for entry in statements))
    for item in statements:
        if item.counterexamples:
            answer = Everywhere("fails", f"Not in this state, which was met: {item.counterexamples[0]}")
        elif count >= most or (stop is not None and stop.is_set()):
            answer = Everywhere("open", f"Not asked: the first {most} that no met state refutes are.")
        else:
            say(count, total)
            count += 1
            answer = _settled(system, policy, item, seed)
        settled.append(replace(item, throughout=answer))
    return settled


def _settled(system: Any, policy: Policy, tested: Tested, seed: int) -> Everywhere:
    statement = tested.statement
    if statement.kind == "ignores":
        return ignores_throughout(system, policy, statement.what, seed=seed)
    quantities = quantities_of(system)
    if isinstance(system.output, Discrete) and statement.what in system.output.names:
        action = system.output.names.index(statement.what)
        return taken_throughout(system, policy, statement.where, quantities, action, seed=seed)
    return follows_throughout(
        system, policy, statement.where, quantities, lambda seen: doing(system, statement.what, seen), seed=seed
    )
