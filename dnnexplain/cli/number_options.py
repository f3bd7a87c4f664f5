"""Numbers that no command can mean: none at all, one without end or too near to 0, a limit that allows nothing, a seed too large."""

from __future__ import annotations

import math
from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.contract.parameters import refuse_tiny

__all__ = ["LARGEST_SEED", "check_numbers"]

LARGEST_SEED = 2**32 - 1
"""Generators of scikit-learn and of numba take no larger one."""

LARGEST_COUNT = 10**15
"""More of anything takes years."""
_TIME = {"budget", "seconds"}
"""Limits in which something is to happen."""
_MAY_BE_ENDLESS = {"budget", "seconds", "oracle_seconds", "proofs"}
"""Limits of time; whether there may be none is the command's to say."""


def check_numbers(command: Any) -> None:
    """Let every option of every command refuse such numbers, before anything runs."""
    for part in getattr(command, "commands", {}).values():
        check_numbers(part)
    for option in command.params:
        if option.callback is None:
            option.callback = _checked


def _checked(_context: Any, option: Any, value: Any) -> Any:
    for item in value if isinstance(value, list | tuple) else [value]:
        if isinstance(item, int | float) and not isinstance(item, bool):
            _check(option.name, f"--{option.name.replace('_', '-')}", item)
    return value


def _check(name: str, flag: str, number: float) -> None:
    """Refuse a number that means nothing."""
    if math.isnan(number) or (math.isinf(number) and name not in _MAY_BE_ENDLESS):
        msg = f"{flag} must be a finite number, not {number}"
        raise DnnExplainError(msg)
    refuse_tiny(flag, number)
    if isinstance(number, int) and number > LARGEST_COUNT and name != "seed":
        msg = f"{flag} must be at most {LARGEST_COUNT:,}, not {number}"
        raise DnnExplainError(msg)
    if name in _TIME and not number > 0:
        msg = f"{flag} must be above 0, not {number}"
        raise DnnExplainError(msg)
    if name == "seed" and not 0 <= number <= LARGEST_SEED:
        msg = f"{flag} must be a whole number of at least 0 and at most {LARGEST_SEED:,}, not {number}"
        raise DnnExplainError(msg)
