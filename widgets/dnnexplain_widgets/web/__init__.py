"""The page's part: one ES module and one style sheet, read from the files beside this one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

__all__ = ["FRAME", "drawing_code", "module_source", "style_source"]

ORDER = (
    "numbers", "dom", "inpage", "store", "geometry", "paint", "picture", "controls", "knobs", "bars", "curves", "schedule", "cells", "trust", "account", "still", "thresholds", "response", "changes", "scatter", "tree", "sizes", "lessons", "tabs", "places", "topology", "traffic", "race", "drawing", "tables", "links", "keeper", "opened", "comparison", "alive", "files", "panel", "main",
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


def drawing_code(parts: Sequence[str]) -> str:
    """As much of the drawing code as panels of these parts need, without exports, for a page of its own.

    A file is left out if no name that it defines occurs in those that stay.

    Args:
        parts: names in PARTS of panel.js.
    """
    every = {name: _in_page() if name == "inpage" else _read(f"{name}.js") for name in ORDER if name != "main"}
    table = re.compile(r"^const PARTS = \{\n(.*?)^\};", re.DOTALL | re.MULTILINE)
    lines = [line for line in table.findall(every["panel"])[0].splitlines() if line.split(":")[0].strip() in parts]
    every["panel"] = table.sub("const PARTS = {\n" + "\n".join(lines) + "\n};", every["panel"])
    kept, waiting = set[str](), ["panel", "store"]
    while waiting:
        one = waiting.pop()
        kept.add(one)
        used = _used(every[one])
        waiting += [name for name, text in every.items() if name not in kept and used & _defined(text)]
    return "\n".join(every[name] for name in ORDER if name in kept)


def _used(source: str) -> set[str]:
    """Words of a file that may be names of others': not in a comment, not a member, not its own variable."""
    code = re.sub(r"^\s*(?://|/?\*).*$|(?<=[;,{(]) // .*$", "", source, flags=re.MULTILINE)
    return set(re.findall(r"(?<![.\w])\w+", code)) - set(re.findall(r"(?:const|let|function) (\w+)", code))


def _defined(source: str) -> set[str]:
    """The names that a file defines for others."""
    names = re.findall(r"^(?:async )?(?:function\*?|class) (\w+)", source, re.MULTILINE)
    for one in re.findall(r"^(?:const|let) (\w+|[\[{][^=]*[\]}]) =", source, re.MULTILINE):
        names += re.findall(r"\w+", one)
    return set(names)


def _in_page() -> str:
    body = "\n".join(_read(f"inpage/{name}.js") for name in IN_PAGE)
    return f"const inPage = (() => {{\n{body}\nreturn {{ PageNetwork, pageNetwork, targetMenu }};\n}})();"


@cache
def style_source() -> str:
    """The style sheet of all panels."""
    return (
        _read("style.css")
        + _read("evidence.css")
        + _read("probing.css")
        + _read("traffic.css")
        + _read("rules.css")
        + _read("page.css")
    )


FRAME = _read("frame.js")
"""What each panel runs in the page: it fetches the drawing code from the session's model."""
