"""What stands in a panel's place where no widget can be drawn: its question, its sentence and its picture.

A saved notebook in GitHub's preview, ``nbconvert --to html`` without a network, a notebook that was opened again without
its kernel: there the HTML that is displayed before the panel is what one sees. Where the panel itself is drawn, the page
hides it (``hideStills`` in widgets/page/src/panel/stills.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dnnexplain.numbers import with_minus
from dnnexplain.results import Shown
from dnnexplain_widgets.sentences import sentences
from dnnexplain_widgets.served import is_served

__all__ = ["display_after_still", "still"]

NOTE = "A picture of what was here when the cell was run. Not connected: run the cell in Jupyter to use it."


def still(panels: Sequence[Any]) -> str:
    """Panels of one session as HTML that needs neither kernel nor scripts."""
    parts = "".join(_still(panel) for panel in panels)
    hub = escape(panels[0].hub, quote=True)
    return f'<div data-dnnexplain-still="{hub}">{parts}<p style="color:#586270"><small>{NOTE}</small></p></div>'


def display_after_still(widget: Any, panels: Sequence[Any]) -> None:
    """Display a widget, and before it what is seen where it cannot be drawn; on a page for other people only the widget."""
    from IPython.display import display  # noqa: PLC0415 - only where something is displayed

    if panels and not is_served():
        display({"text/html": still(panels), "text/plain": repr(widget)}, raw=True)  # type: ignore[no-untyped-call] # IPython has no types
    data, metadata = _bundle(widget)
    display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call] # as above


def _bundle(widget: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    given = widget._repr_mimebundle_()
    return given if isinstance(given, tuple) else (given, {})


def _still(panel: Any) -> str:
    session, result = panel.session, panel.result
    live = sentences(session.system, session.live, session.unit, session.ask)
    words = panel.sentence or str(live.get(panel.says) or "") or panel.promise
    shown = result._repr_mimebundle_()["text/html"] if isinstance(result, Shown) else ""
    figure = panel.hero.get("value", "")
    large = f"<p><b>{escape(figure)}</b> {escape(panel.hero.get('words', ''))}</p>" if figure else ""
    text = "" if escape(with_minus(words)) in shown else f"<p>{escape(with_minus(words))}</p>"
    return f"<h4>{escape(panel.question)}</h4>{large}{text}{shown}"
