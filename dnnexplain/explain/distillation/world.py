"""What distillation asks of a system beside the contract; the protocols themselves are the contract's."""

from __future__ import annotations

from dnnexplain.contract import Described, Distillable, Features, Parted, Parts, Valued

__all__ = ["Described", "Distillable", "Features", "Parted", "Parts", "Valued", "absent_of", "whole_of"]


def absent_of(system: Distillable) -> dict[str, float]:
    """What quantities are where what they are of is absent (``features.absent``); none where a system does not say."""
    return dict(getattr(system.features, "absent", {}))


def whole_of(system: Distillable) -> list[str]:
    """The quantities that are whole numbers (``features.whole``); none where a system does not say."""
    return list(getattr(system.features, "whole", ()))
