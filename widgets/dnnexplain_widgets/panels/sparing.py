"""What a panel's controls are goes to the page whole once; after that, what of them changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import traitlets as t

__all__ = ["SparingControls"]

Control = Mapping[str, Any]


def _short(control: Control) -> dict[str, Any]:
    """A control as it is sent: an option that is called by its value is sent once."""
    if "options" not in control:
        return dict(control)
    options = [item[0] if _same(item) else item for item in control["options"]]
    return {**control, "options": options}


def _same(item: Any) -> bool:
    return not isinstance(item, str) and isinstance(item[0], str) and item[0] == item[1]


def _changes(old: Sequence[Control], new: Sequence[Control]) -> dict[str, dict[str, Any]] | None:
    """What differs, by the control's place; ``None`` where others stand there now, or say other things."""
    if [(item.get("name"), *item) for item in old] != [(item.get("name"), *item) for item in new]:
        return None
    differ = (
        {field: item[field] for field in item if item[field] != was[field]} for was, item in zip(old, new, strict=True)
    )
    return {str(place): change for place, change in enumerate(differ) if change}


def _as_sent(value: Sequence[Control], panel: SparingControls) -> list[dict[str, Any]]:
    """What the page has; before it has anything, such as while the widget is made, all of them are sent."""
    if panel.sent_controls is None:
        panel.sent_controls = [_short(control) for control in value]
    return panel.sent_controls


class SparingControls(anywidget.AnyWidget):
    """A widget with controls, of which a step of a drag sends only what it changes.

    A menu of what to explain has one entry that says what is decided now: all others, and all other controls, are as
    they were. So ``controls`` is, in the page, what it was when it was last sent, and ``turned`` what differs from that.
    """

    controls: Any = t.List(help="Descriptions of the controls; see widgets/page/src/panel/controls.js.").tag(
        sync=True, to_json=_as_sent
    )
    turned = t.Dict(help="What of the controls is not as they were sent: {place: {field: value}}.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self.sent_controls: list[dict[str, Any]] | None = None
        super().__init__(**traits)

    def _should_send_property(self, key: str, value: Any) -> bool:
        """Asked by ipywidgets of each trait that changed: controls are sent where changes do not say it."""
        if key != "controls":
            return bool(super()._should_send_property(key, value))
        now = [_short(control) for control in value]
        changes = None if self.sent_controls is None else _changes(self.sent_controls, now)
        if changes is None:
            self.sent_controls = now
        self.turned = changes or {}
        return changes is None and bool(super()._should_send_property(key, value))
