"""What an answer is about, and how far that is still what the page shows: one rule for all panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dnnexplain.contract import State
from dnnexplain_widgets.words import joined

__all__ = ["Subject"]


@dataclass(frozen=True, eq=False)
class Subject:
    """What was asked about: a network, perhaps a state, and the settings that the answer depends on.

    Attributes:
        policy: the network's name, as the menu has it.
        key: its weights' hash; the object itself for a policy without one. ``None``: the answer is about no network.
        state: the state; ``None``: the answer is about no state.
        settings: controls by name.
    """

    policy: str
    key: Any
    state: State | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def key_of(policy: Any) -> Any:
        """What tells one policy from another."""
        return getattr(policy, "checkpoint", "") or policy

    def about_other_network(self, now: Subject) -> bool:
        """Whether this is about another network than the present one."""
        same = self.key == now.key if isinstance(self.key, str) else self.key is now.key
        return self.key is not None and not same

    def differences(self, now: Subject, *, same_state: bool) -> str:
        """What is not as it was: ``"about the network default, another state and other settings"``; or nothing."""
        parts = []
        if self.about_other_network(now):
            parts.append(f"the network {self.policy}")
        if self.state is not None and not same_state:
            parts.append("another state")
        if any(self.settings[name] != now.settings.get(name) for name in self.settings):
            parts.append("other settings")
        return f"about {joined(parts)}" if parts else ""
