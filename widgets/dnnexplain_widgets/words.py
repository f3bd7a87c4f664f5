"""Numbers and names as people read them: three significant digits, a true minus sign, units."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from dnnexplain import numbers
from dnnexplain.contract import DnnExplainError, Space
from dnnexplain.contract.errors import shortened
from dnnexplain.counts import joined, unit_of
from dnnexplain.gone import renamed
from dnnexplain.memory import ran_out, why_no_memory
from dnnexplain.numbers import probability
from dnnexplain.rule_names import rule_label as label

__all__ = ["decision_name", "error_sentence", "joined", "label", "number", "probability", "share_of_rules", "with_unit"]

LONGEST_DECISION = 80
"""Characters of a decision that a sentence can hold."""

__getattr__ = renamed(
    __name__,
    told="dnnexplain_widgets.words:error_sentence",
)


def number(value: float) -> str:
    """Three significant digits, without an exponent for everyday sizes: ``0.382``, ``12.6``, ``−3``."""
    if not np.isfinite(value):
        return "none"
    return numbers.number(value).replace("-", "−")


def with_unit(value: float, unit: str) -> str:
    """A value and its unit: ``3 steps``, ``1 step``; the number alone if there is no unit."""
    text = number(value)
    return f"{text} {unit_of(text, unit)}" if unit else text


def decision_name(decision: str) -> str:
    """A decision as it stands within a sentence: itself, or "this decision" where it is a list of many numbers."""
    return decision if len(decision) <= LONGEST_DECISION else "this decision"


def share_of_rules(actions: Mapping[str, int], output: Space, chosen: int) -> str:
    """What the rules would do beside the network, such as ``SJF agrees; Packer would pick job 2``."""
    agree = [label(rule) for rule, action in actions.items() if action == chosen]
    others: dict[int, list[str]] = {}
    for rule, action in actions.items():
        if action != chosen:
            others.setdefault(action, []).append(label(rule))
    parts = [f"{joined(agree)} agree{'s' if len(agree) == 1 else ''}"] if agree else []
    parts += [f"{joined(rules)} would {output.act(action)}" for action, rules in others.items()]
    return f"{'; '.join(parts)}." if parts else ""


_NAMED = re.compile(r"\S*[.=/_]\S*:? ")
"""What begins with a file's or an option's name, which is written as it is."""


def error_sentence(error: BaseException) -> str:
    """A failure as one sentence for the error area."""
    text = shortened(" ".join(str(error).split()))
    if ran_out(error):
        text = why_no_memory()
    if (isinstance(error, DnnExplainError) and text) or ran_out(error):
        sentence = text if _NAMED.match(text) else text[0].upper() + text[1:]
    else:
        sentence = f"Something went wrong inside ({type(error).__name__}): {text or 'no message'}"
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
