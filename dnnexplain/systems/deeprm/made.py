"""DeepRM from its named parameters."""

from __future__ import annotations

from typing import Any

from dnnexplain.systems.deeprm.simulator.model import ORIGINAL_RULES
from dnnexplain.systems.deeprm.system import DeepRM

__all__ = ["make"]


def make(*, original: bool = False, longest: int | None = None, **sizes: Any) -> DeepRM:
    """A cluster of given sizes; ``original`` sets the published environment's three rules where they are not given.

    ``longest`` is short for ``max_job_length``.
    """
    sizes = {"max_job_length": longest, **sizes}
    given = {name: value for name, value in sizes.items() if value is not None}
    return DeepRM(**({**ORIGINAL_RULES, **given} if original else given))
