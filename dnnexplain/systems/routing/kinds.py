"""The learned routing policies that the papers speak of, by name."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["POLICY_KINDS", "PolicyKind"]


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """A learned policy.

    Attributes:
        architecture: of ``networks.NETWORKS``.
        history: how many earlier matrices it reads; 0: it reads the matrix that must be routed.
        description: one sentence for model cards.
    """

    architecture: str
    history: int
    description: str


POLICY_KINDS: dict[str, PolicyKind] = {
    "dote-current": PolicyKind(
        "dote", 0, "DOTE with the current traffic matrix: demands to split ratios (Perry et al., NSDI 2023)."
    ),
    "dote-history": PolicyKind(
        "dote", 12, "DOTE with a history: the last 12 traffic matrices to split ratios (Perry et al., NSDI 2023)."
    ),
    "learning-to-route": PolicyKind(
        "learning_to_route",
        12,
        "Learning to Route: the last 12 traffic matrices to link weights, softmin over the k shortest paths "
        "(after Valadarsky et al., HotNets 2017; trained by the gradient of utilisation, not by policy gradient).",
    ),
}
"""Name -> what it is; the name is also the role of its shipped checkpoint."""
