"""What a caller, or a command's options, know of a network that its file may not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from torch import nn

from dnnexplain.assumptions import assume
from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import parse_json, read_json

__all__ = ["How", "architecture_of", "completed", "reading_as", "were_asked"]


@dataclass(frozen=True, slots=True)
class How:
    """Options of :func:`dnnexplain.policies.load_any`, which says what each means."""

    module: nn.Module | None = None
    masked: bool | None = None
    activation: str | None = None
    architecture: str | Mapping[str, Any] | None = None
    scale: str | None = None
    key: str | None = None
    normalize: str | Path | None = None

    def unused(self, name: str) -> None:
        """Say that a network of our own holds all of this itself, where any of it was given."""
        given = [part for part in OPEN if getattr(self, part) is not None]
        if given:
            words = " and ".join(given)
            do = "does" if len(given) == 1 else "do"
            assume(f"{words} {do} not apply to {name}, which is shipped with all that it needs: not used")


OPEN = ("activation", "architecture", "scale", "key", "normalize")
"""What a file of weights may leave open."""
_SAID: ContextVar[How | None] = ContextVar("_SAID", default=None)
_ASKED: list[bool] = []
"""Whether a network was read: an entry if so."""


@contextmanager
def reading_as(**known: Any) -> Iterator[None]:
    """What ``load_any`` takes for its options inside the block where they are not given, as a command's are."""
    token = _SAID.set(replace(_SAID.get() or How(), **known))
    try:
        yield
    finally:
        _SAID.reset(token)


def were_asked(*, forget: bool = False) -> bool:
    """Whether any network was read since it was last forgotten, so that the options were of use or were said not to be."""
    result = bool(_ASKED)
    if forget:
        _ASKED.clear()
    return result


def completed(given: How) -> How:
    """What was given, and what a command said where nothing was."""
    _ASKED[:] = [True]
    said = _SAID.get() or How()
    names = [field.name for field in fields(How)]
    return How(**{name: getattr(said if getattr(given, name) is None else given, name) for name in names})


def architecture_of(given: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """A name, a JSON text or a file of it, or the mapping itself, as ``networks.build`` takes it.

    Raises:
        DnnExplainError: JSON that is no object.
    """
    if isinstance(given, Mapping):
        return given
    if given.lstrip().startswith("{"):
        data = parse_json(given, "the architecture")
    elif Path(given).suffix == ".json":
        data = read_json(given, "the architecture")
    else:
        return {"name": given}
    if not isinstance(data, dict):
        msg = 'an architecture is a name or an object such as {"name": "mlp", "arguments": {"hidden": [64, 64]}}'
        raise DnnExplainError(msg)
    return data
