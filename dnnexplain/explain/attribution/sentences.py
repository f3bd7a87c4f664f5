"""Sentences that read a map in domain words, numbers to three significant digits."""

from __future__ import annotations

from typing import Protocol

from dnnexplain.counts import counted
from dnnexplain.numbers import number, percent, with_unit

__all__ = ["contribution_sentence", "number", "percent", "slope_sentence", "start", "with_unit"]


class _Parts(Protocol):
    @property
    def positive(self) -> float: ...
    @property
    def negative(self) -> float: ...
    @property
    def net(self) -> float: ...


def start(text: str) -> str:
    """The text with its first letter large."""
    return text[:1].upper() + text[1:]


def contribution_sentence(group: str, net: float, explained: float, pro: str, contra: str, unit: str) -> str:
    """Which group has the largest share: "Job 2 memory spoke most for job 1 and against wait: +0.41 of 0.63.".

    ``net`` is the group's share of ``explained``; ``pro`` and ``contra`` are the outputs compared.
    """
    whole = with_unit(explained, unit)
    same = 0.0 < net * explained <= explained * explained
    amount = f"{number(net, sign=True)} of {whole}" if same else f"{number(net, sign=True)}; all together make {whole}"
    if net < 0:
        sides = f"against {pro}" + (f" and for {contra}" if contra else "")
    else:
        sides = f"for {pro}" + (f" and against {contra}" if contra else "")
    return f"{start(group)} spoke most {sides}: {amount}."


def slope_sentence(group: str, part: _Parts, target: str, measure: str, alike: int = 1) -> str:
    """What a gradient map says: slopes, which are no shares of anything; ``alike`` groups have the largest."""
    what = "slopes" if measure == "slope" else "scores"
    both = f" ({number(part.positive, sign=True)} and {number(part.negative)} apart)"
    whole = f"{what} that sum to {number(part.net, sign=True)}{both if part.positive and part.negative else ''}"
    if alike > 1:
        return f"{counted(alike, 'group')} move {target} alike and most, {group} among them: {whole}."
    return f"{start(group)} moves {target} most: {whole}."
