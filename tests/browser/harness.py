"""Panels in a page without Jupyter: real drawing code, real Python behind it, and models in between.

The page's models speak to Python through one exposed function: what the page sets goes to the widgets'
traits as a browser's message would, and all traits that changed come back. So a browser test of a panel
takes a second, not the ten of a Jupyter server.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from dnnexplain_widgets.web import module_source, style_source

__all__ = ["Harness", "finish", "load_script", "no_overflow", "page_source", "part", "press", "until"]

PATIENCE = 240  # seconds that a busy machine may take for a panel's work

# The code comes as a blob, as it does from a session's model.
LOAD = """
const code = await (await fetch("data:text/javascript;base64,@CODE@")).blob();
window.exported = await import(URL.createObjectURL(code));
"""

_SCRIPT = """
const { mount, PageModel, revive } = window.exported;
const save = async (id, changes) => {
  window.sent.push([id, changes]);
  if (!window.kernel) return;
  window.waiting += 1;
  try {
    const answers = await window.kernel(id, JSON.stringify(changes));
    for (const [id, state] of Object.entries(JSON.parse(answers))) models[id].take(revive(state));
  } finally {
    window.waiting -= 1;
  }
};
window.sent = [];
window.waiting = 0;  // wishes that Python has not answered yet
const models = Object.fromEntries(Object.entries(@STATES@).map(([id, state]) => [id, new PageModel(revive(state), (changes) => save(id, changes))]));
window.models = models;
const hub = models[@HUB@];
for (const id of @PANELS@) mount({ model: models[id], el: document.querySelector(`[data-panel="${id}"]`), hub });
window.ready = true;
"""


def load_script() -> str:
    """What gives a page the panels' code as ``window.exported``."""
    return LOAD.replace("@CODE@", base64.b64encode(module_source().encode()).decode())


_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


def _plain(value: Any) -> Any:
    """Widget state as JSON; bytes tagged."""
    if isinstance(value, bytes | memoryview | bytearray):
        return {"__bytes__": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _state(widget: Any) -> dict[str, Any]:
    hidden = {"code", "style", "layout", "tabbable", "tooltip"} if not hasattr(widget, "hub") else {"layout"}
    names = [name for name in widget.keys if not name.startswith("_") and name not in hidden]
    return {name: _plain(getattr(widget, name)) for name in names}


def page_source(panels: Sequence[Any], layout: str = "") -> str:
    """The page's HTML; ``layout`` holds a ``<div data-panel="{i}">`` per panel, or they stand one below another."""
    hub = panels[0].session.hub
    states = {hub.model_id: {**_state(hub), "style": style_source()}, **{p.model_id: _state(p) for p in panels}}
    slots = layout or "".join(f'<div data-panel="{{{i}}}" style="margin:8px"></div>' for i in range(len(panels)))
    for index, panel in enumerate(panels):
        slots = slots.replace(f"{{{index}}}", panel.model_id)
    ids = json.dumps([p.model_id for p in panels])
    script = (
        _SCRIPT.replace("@STATES@", json.dumps(states))
        .replace("@HUB@", json.dumps(hub.model_id))
        .replace("@PANELS@", ids)
    )
    script = script.replace("</", "<\\/")
    return (
        "<!doctype html><html lang=en data-dnnexplain-app><meta charset=utf-8><title>panels</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>html{color-scheme:light dark}body{margin:0;background:Canvas}</style>"
        f"<body><main>{slots}</main><script type=module>{load_script()}\n{script}</script>"
    )


class Harness:
    """A page that shows panels, joined to their Python.

    Args:
        page: a Playwright page.
        panels: of one session.
        layout: see :func:`page_source`.
    """

    def __init__(self, page: Any, panels: Sequence[Any], layout: str = "") -> None:
        self.page = page
        self.errors: list[str] = []
        self.widgets = {p.model_id: p for p in (panels[0].session.hub, *panels)}
        self.changed: dict[str, dict[str, Any]] = {}
        for widget in self.widgets.values():
            widget.observe(self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.expose_function("kernel", self._kernel)
        page.set_content(page_source(panels, layout))
        page.wait_for_function("window.ready === true")

    def _note(self, change: Any) -> None:
        if change["name"] in change["owner"].keys:
            self.changed.setdefault(change["owner"].model_id, {})[change["name"]] = _plain(change["new"])

    def _kernel(self, model: str, changes: str) -> str:
        given = json.loads(changes)
        self.changed = {}
        self.widgets[model].set_state(given)
        for name in given:  # what the page said is not said back
            self.changed.get(model, {}).pop(name, None)
        answers, self.changed = self.changed, {}
        return json.dumps(answers)

    def settle(self) -> None:
        """Wait until what the page wished, and will wish in its next frames, has its answer."""
        self.page.evaluate(_FRAMES)
        self.page.wait_for_function("window.waiting === 0")

    def sync(self) -> None:
        """Bring what Python changed by itself to the page, and wait until that is drawn."""
        changes, self.changed = self.changed, {}
        self.page.evaluate(
            "(all) => { for (const [id, state] of Object.entries(all)) window.models[id].take(window.exported.revive(state)); }",
            changes,
        )
        self.page.evaluate(_FRAMES)


def finish(harness: Harness, panel: Any) -> None:
    """Wait for a panel's work; its result arrives on the loop that Playwright runs."""
    harness.settle()
    until = monotonic() + PATIENCE
    while panel.busy and monotonic() < until:
        harness.page.wait_for_timeout(40)
    assert not panel.busy
    assert panel.error == ""
    harness.sync()


def until(harness: Harness, true: Callable[[], object]) -> None:
    """Let the loop run, and tell the page what Python changed, until something holds."""
    end = monotonic() + PATIENCE
    while True:
        harness.page.wait_for_timeout(20)
        harness.sync()  # the page knows what is asked about
        if true():
            break
        assert monotonic() < end, "it never came"
    harness.sync()  # and what came in the meantime


def part(page: Any, panel: Any) -> Any:
    """Where a page shows a panel."""
    return page.locator(f'[data-panel="{panel.model_id}"]')


def press(harness: Harness, panel: Any, name: str) -> None:
    """Press one of a panel's buttons, and wait for what it starts."""
    part(harness.page, panel).get_by_role("button", name=name, exact=True).click()
    finish(harness, panel)


def no_overflow(page: Any) -> bool:
    """Whether nothing is wider than the page."""
    return bool(page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"))
