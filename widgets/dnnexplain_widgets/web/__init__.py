"""The page's part: one ES module and one style sheet, read from the files beside this one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["FRAME", "module_source", "style_source"]

ORDER = (
    "dom", "store", "geometry", "paint", "picture", "controls", "knobs", "bars", "curves", "schedule", "cells", "trust", "account", "tabs", "panel", "main",
)  # fmt: skip
"""The files of the module in order of dependence; together they are one ES module, so no bundler is needed."""


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def module_source() -> str:
    """The drawing code of all panels as one ES module."""
    return "\n".join(_read(f"{name}.js") for name in ORDER)


@cache
def style_source() -> str:
    """The style sheet of all panels."""
    return _read("style.css") + _read("evidence.css")


FRAME = _read("frame.js")
"""What each panel runs in the page: it fetches the drawing code from the session's model."""
