"""The session's model in the page: one message down per step, one latest wish up."""

from __future__ import annotations

from typing import Any

import ipywidgets
import numpy as np
import traitlets as t
from numpy.typing import NDArray

from dnnexplain.glossary import glossary
from dnnexplain_widgets.web import module_source, style_source

__all__ = ["Hub"]


class Hub(ipywidgets.Widget):  # type: ignore[misc] # ipywidgets ships no types
    """Carries state between a session and all its panels; it has no view of its own.

    One model for all panels keeps a step at one message with all buffers in it, so the panels change
    together and a browser's queue cannot grow: ipywidgets has one message of a model in flight and
    merges what comes meanwhile.
    """

    code = t.Unicode(help="The drawing code of all panels, an ES module.").tag(sync=True)
    style = t.Unicode(help="The style sheet of all panels.").tag(sync=True)
    scene = t.Dict(help="What the page must know of the system; see wire.scene.").tag(sync=True)
    live = t.Dict(help="The present step; see wire.live_message.").tag(sync=True)
    theme = t.Enum(("auto", "light", "dark"), "auto", help="The user's wish; auto follows the host.").tag(sync=True)
    network = t.Dict(help="The network, if the page can evaluate it by itself; see inpage.in_page.").tag(sync=True)
    ground = t.Dict(help="The background that the state was read from: {cells}, float32; or nothing.").tag(sync=True)
    wish = t.Dict(help="From the page: {stamp, values [K], from [K] (as the drag began), settled}.").tag(
        sync=True, echo_update=False
    )
    loaded_state = t.Dict(
        help="The newest state that a panel loaded into the editor: {count, what} (what it is, in words)."
    ).tag(sync=True)
    glossary = t.Dict(help="Terms that the page explains where they stand.").tag(sync=True)
    about = t.Dict(help="What saved pictures say of their origin: {network, weights, version}.").tag(sync=True)
    goto = t.Dict(help="The panel that is to be brought into sight: {count, panel} (the name of its class).").tag(
        sync=True
    )
    travel = t.Dict(help="From the page: how often undo and redo were asked for by keyboard.").tag(
        sync=True, echo_update=False
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(code=module_source(), style=style_source(), glossary=glossary(), **options)

    def show(self, live: dict[str, Any], background: NDArray[Any] | None) -> None:
        """Send a step, and the background of its state if that is another one: one message."""
        cells = b"" if background is None else np.ascontiguousarray(background, np.float32).tobytes()
        with self.hold_sync():
            if cells != self.ground.get("cells", b""):
                self.ground = {"cells": cells} if cells else {}
            self.live = live
