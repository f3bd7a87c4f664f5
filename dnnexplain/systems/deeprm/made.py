"""DeepRM from its named parameters."""

from __future__ import annotations

from typing import Any

from dnnexplain.systems.deeprm.model import ORIGINAL_RULES
from dnnexplain.systems.deeprm.system import DeepRM

__all__ = ["make"]


def make(*, original: bool = False, **sizes: Any) -> DeepRM:
    """A cluster of given sizes; ``original`` sets the published environment's three rules where they are not given."""
    given = {name: value for name, value in sizes.items() if value is not None}
    return DeepRM(**({**ORIGINAL_RULES, **given} if original else given))
