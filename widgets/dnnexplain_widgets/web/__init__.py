"""The page's part: code that ``make page`` builds from widgets/page, and the style sheets beside this file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from dnnexplain.charts.look import SIGNED

__all__ = ["EXERCISE", "FRAME", "explorable_source", "explorable_style", "module_source", "style_source"]


def _read(*path: str) -> str:
    return files(__package__).joinpath(*path).read_text(encoding="utf-8")


@cache
def module_source() -> str:
    """The drawing code of all panels as one ES module; it exports ``mount``."""
    return _read("dist", "dashboard.js")


@cache
def explorable_source() -> str:
    """The script of an exported page: the parts that need no kernel, and what stands in for a kernel."""
    return _read("dist", "explorable.js")


@cache
def style_source() -> str:
    """The style sheet of all panels."""
    return (
        _signed()
        + _read("style.css")
        + _read("evidence.css")
        + _read("probing.css")
        + _read("traffic.css")
        + _read("rules.css")
        + _read("board.css")
        + _read("page.css")
        + _read("verdict.css")
    )


def _signed() -> str:
    """The two colours of what is for and against, per theme."""
    both = {name: f"--dx-positive: {item['for']}; --dx-negative: {item['against']};" for name, item in SIGNED.items()}
    dark = '.dx[data-theme="dark"], .dx-page[data-theme="dark"]'
    return f".dx, .dx-page {{ {both['light']} }}\n{dark} {{ {both['dark']} }}\n"


def explorable_style() -> str:
    """What an exported page adds to the style sheet of the panels."""
    return _read("explorable.css")


EXERCISE = _read("dist", "exercise.js")
"""What a browser remembers of an exercise."""

FRAME = _read("dist", "frame.js")
"""What each panel runs in the page: it fetches the drawing code from the session's model."""
