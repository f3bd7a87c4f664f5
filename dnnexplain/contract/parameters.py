"""Named settings with types, bounds and help, and references to what is imported when it is first needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dnnexplain.contract.errors import Choice, DnnExplainError

__all__ = ["TINIEST", "Parameter", "Reference", "load_reference", "refuse_tiny"]

TINIEST = 1e-100
"""Nothing that is measured is nearer to 0 and not 0; far below, a processor takes a hundred times as long for each sum."""

Reference = str
"""``"package.module:attribute"``, imported when first needed."""


def load_reference(reference: Reference) -> Any:
    """What a reference names: ``load_reference("math:pi")``."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def refuse_tiny(name: str, number: float) -> None:
    """Refuse a number that is 0 for all purposes but is not 0.

    Raises:
        DnnExplainError: nearer to 0 than :data:`TINIEST`.
    """
    if 0 < abs(number) < TINIEST:
        msg = f"{name} is {number!r}, which is nearer to 0 than anything that is measured; write 0 if you mean 0"
        raise DnnExplainError(msg)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named setting of a system, a workload family or a recipe: an option on the command line, a field on a page.

    Args:
        name: as in Python, ``"cluster_cells"``; on the command line ``--cluster-cells``.
        default: its value when nothing is said; its type is the parameter's (bool: a flag). ``None`` for a
            setting that may stay open, whose type ``kind`` then says.
        help: one sentence.
        low, high: inclusive bounds of a number; a value outside is refused, not moved.
        choices: all values of a word.
        unit: of a number.
        kind: ``int``, ``float``, ``str``, ``bool`` or ``Path``; that of the default if not given.
        multiple: whether it may be given several times; its value is then a list, empty if it was not given.
        flags: how it is spelled on the command line, every form, where not as its name: ``("--from",)``.
    """

    name: str
    default: Any
    help: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    kind: type | None = None
    multiple: bool = False
    flags: tuple[str, ...] = ()

    @property
    def type(self) -> type:
        """Of its values."""
        return self.kind or (str if self.default is None else type(self.default))

    def check(self, value: Any) -> Any:
        """The value in the parameter's type.

        Raises:
            DnnExplainError: not of its type, out of bounds, or none of its choices.
        """
        if value is None:
            return None
        if self.choices and str(value) not in self.choices:
            raise Choice(self.name, str(value), self.choices).error()
        if self.type in {int, float}:
            return self._number(value)
        if self.type is bool and not isinstance(value, bool):
            msg = f"{self.name} is yes or no (True or False), not {value!r}"
            raise DnnExplainError(msg)
        return value

    def _has_its_type(self, number: float) -> bool:
        return math.isfinite(number) and (self.type is not int or number == int(number))

    def _number(self, value: Any) -> Any:
        unit = f" {self.unit}" if self.unit else ""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self._has_its_type(value):
            msg = f"{self.name} must be a {'whole ' if self.type is int else ''}number{unit and ' of' + unit}, not {value!r}"
            raise DnnExplainError(msg)
        refuse_tiny(self.name, value)
        below = self.low is not None and not value >= self.low
        above = self.high is not None and not value <= self.high
        if below or above:
            least = f"at least {self.low:g}" if self.low is not None else ""
            most = f"at most {self.high:g}" if self.high is not None else ""
            kind = "a whole number of " if self.type is int else ""
            msg = f"{self.name} must be {kind}{' and '.join(filter(None, (least, most)))}{unit}, not {value:g}"
            raise DnnExplainError(msg)
        return self.type(value)
