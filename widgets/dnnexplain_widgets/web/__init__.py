"""The page's part: one ES module and one style sheet, read from the files beside this one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["FRAME", "module_source", "style_source"]

ORDER = (
    "dom", "inpage", "store", "geometry", "paint", "picture", "controls", "knobs", "bars", "curves", "schedule", "cells", "trust", "account", "still", "thresholds", "response", "changes", "scatter", "tree", "sizes", "tabs", "topology", "traffic", "race", "drawing", "tables", "keeper", "alive", "files", "panel", "main",
)  # fmt: skip
"""The files of the module in order of dependence; together they are one ES module, so no bundler is needed."""

IN_PAGE = ("stack", "sketch", "sweeps", "phrases", "network")
"""The files of folder inpage, which evaluate a network in the page; they share a scope of their own."""


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def module_source() -> str:
    """The drawing code of all panels as one ES module."""
    return "\n".join(_in_page() if name == "inpage" else _read(f"{name}.js") for name in ORDER)


def _in_page() -> str:
    body = "\n".join(_read(f"inpage/{name}.js") for name in IN_PAGE)
    return f"const inPage = (() => {{\n{body}\nreturn {{ PageNetwork, pageNetwork, targetMenu }};\n}})();"


@cache
def style_source() -> str:
    """The style sheet of all panels."""
    return _read("style.css") + _read("evidence.css") + _read("probing.css") + _read("routing.css") + _read("rules.css") + _read("page.css")


FRAME = _read("frame.js")
"""What each panel runs in the page: it fetches the drawing code from the session's model."""
