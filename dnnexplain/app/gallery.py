"""The gallery: which pages a server offers, each with a sentence and a picture, and the folder they are in."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from dnnexplain.app.gallery_pictures import card_picture, lesson_picture
from dnnexplain.contract import DnnExplainError
from dnnexplain.registry import specs

__all__ = [
    "DASHBOARDS",
    "Page",
    "Site",
    "error_page",
    "full_page",
    "gallery_page",
    "lessons",
    "read_site",
    "write_site",
]

_SITE = "site.json"
_STYLE = files(__package__).joinpath("gallery.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Page:
    """One page of the gallery.

    Attributes:
        key: in its address.
        title, sentence: what it is called, and what it shows.
        picture: ``module:function`` of its drawing, or ``plain``; of a lesson, its number.
        notebook: its file in the site's folder.
        warm: whether a kernel is kept ready for it.
        settings: of a dashboard, the arguments of ``dashboard_parts``.
    """

    key: str
    title: str
    sentence: str
    picture: str
    notebook: str
    warm: bool = False
    settings: dict[str, Any] | None = None


@dataclass(frozen=True)
class Site:
    """All pages of a gallery."""

    pages: tuple[Page, ...]


def _dashboards() -> Iterator[Page]:
    for spec in specs().values():
        for example in spec.examples:
            settings = {"system": spec.name, **example.settings}
            picture = example.picture or "plain"
            yield Page(
                example.key,
                example.title,
                example.sentence,
                picture,
                f"{example.key}.ipynb",
                warm=True,
                settings=settings,
            )


DASHBOARDS = tuple(_dashboards())
"""The dashboards that every gallery offers."""


def _lesson_order(path: Path) -> tuple[float, str]:
    """Lessons by the number that their names begin with, 10 after 9; others behind them."""
    first = path.stem.partition("-")[0]
    return (int(first) if first.isdecimal() else math.inf), path.name


def lessons(folder: Path) -> tuple[Page, ...]:
    """The notebooks of a folder as pages: the title from the metadata or the heading, the first sentence as text.

    Raises:
        DnnExplainError: a file is no notebook.
    """
    entries = []
    for number, path in enumerate(sorted(folder.glob("*.ipynb"), key=_lesson_order), 1):
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            first = next("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
            title = notebook["metadata"].get("title")
        except (OSError, ValueError, KeyError, TypeError, StopIteration):
            msg = f"{path} is no notebook with a text to begin with; give a folder of notebooks: --notebooks FOLDER"
            raise DnnExplainError(msg) from None
        lines = [line.strip() for line in first.splitlines() if line.strip()]
        heading = next((line.lstrip("# ") for line in lines if line.startswith("#")), path.stem)
        text = next((line for line in lines if not line.startswith("#")), "")
        entries.append(
            Page(f"lesson-{path.stem}", title or heading, _sentences(text), str(number), f"lessons/{path.name}")
        )
    return tuple(entries)


def _sentences(text: str, most: int = 180) -> str:
    """The first sentence of a Markdown paragraph, and the next if both are short."""
    plain = text.replace("*", "").replace("`", "")
    kept = ""
    for sentence in plain.replace("! ", "!|").replace("? ", "?|").replace(". ", ".|").split("|"):
        if kept and len(kept) + len(sentence) > most:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def write_site(root: Path, notebooks: Path | None = None, pages: Sequence[Page] = DASHBOARDS) -> Site:
    """Fill a folder with the pages' notebooks; a server reads it back with :func:`read_site`.

    Args:
        root: an empty folder.
        notebooks: a folder of notebooks to offer too; they are copied, so that pages cannot change them.
        pages: the dashboards.
    """
    from dnnexplain.app import NOTEBOOK  # noqa: PLC0415 - this package's own

    pattern = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for page in pages:
        source = [
            "from dnnexplain.app import dashboard_parts\n",
            "from dnnexplain_widgets import Dashboard\n",
            "\n",
            f"Dashboard(**dashboard_parts(**{page.settings!r}))",
        ]
        cell = {**pattern["cells"][0], "source": source}
        made = {**pattern, "cells": [cell], "metadata": {**pattern["metadata"], "title": f"{page.title} · dnnexplain"}}
        (root / page.notebook).write_text(json.dumps(made), encoding="utf-8")
    taught = lessons(notebooks) if notebooks is not None else ()
    if notebooks is not None and taught:
        (root / "lessons").mkdir()
        for page in taught:
            shutil.copyfile(notebooks / Path(page.notebook).name, root / page.notebook)
    site = Site((*pages, *taught))
    (root / _SITE).write_text(json.dumps([asdict(page) for page in site.pages]), encoding="utf-8")
    return site


def read_site(root: str | Path) -> Site:
    """The pages of a folder that :func:`write_site` filled."""
    return Site(tuple(Page(**page) for page in json.loads((Path(root) / _SITE).read_text(encoding="utf-8"))))


def gallery_page(site: Site, *, free: int, most: int) -> str:
    """The gallery as HTML; it needs nothing else, and no script."""
    boards = [page for page in site.pages if page.settings is not None]
    taught = [page for page in site.pages if page.settings is None]
    parts = [_section("Dashboards", boards)]
    if taught:
        parts.append(
            _section("Lessons", taught, "Each runs from top to bottom when it is opened; that takes a minute.")
        )
    places = f"{free} of {most} places are free" if free else "All places are taken at the moment"
    return _html(
        "Why does it decide that? · dnnexplain",
        "<h1>Why does a learned controller decide what it decides?</h1>"
        "<p class=lead>Pick one: the page opens with a network that is ready to be asked.</p>"
        f"{''.join(parts)}<p class=foot>{places}; a place is a page with a Python process of its own.</p>",
    )


def _section(title: str, pages: Sequence[Page], note: str = "") -> str:
    cards = "".join(
        f'<li><a class=card href="show/{escape(page.key)}">{_picture(page)}<span class=words><strong>{escape(page.title)}</strong>'
        f"<span>{escape(page.sentence)}</span></span></a></li>"
        for page in pages
    )
    about = f"<p>{escape(note)}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{about}<ul class=cards>{cards}</ul></section>"


def _picture(page: Page) -> str:
    if page.settings is None:
        return lesson_picture(int(page.picture))
    return card_picture("" if page.picture == "plain" else page.picture)


_TRY_AGAIN = (
    "const again = (event) => { event?.preventDefault(); clearTimeout(timer); location.reload(); };"
    "const timer = setTimeout(again, 20000);"
    "document.querySelector('a.button').addEventListener('click', again);"
)
"""Once, and with what the address has behind its #: a second request while the first is answered would end that."""


def full_page(most: int) -> str:
    """What a visitor sees when all places are taken; it tries again by itself."""
    return _html(
        "All places are taken · dnnexplain",
        f"<h1>All {most} places are taken</h1><p class=lead>Every open page has a Python process of its own, and this server "
        f"keeps at most {most}. A place becomes free when somebody closes a page, or has not used it for a while.</p>"
        "<p>This page tries again by itself every 20 seconds. Nothing that you had is lost: a link that you opened is still "
        'in the address.</p><p><a class=button href="">Try again now</a></p>'
        f"<script>{_TRY_AGAIN}</script>",
    )


def error_page(status: int, reason: str, words: str) -> str:
    """What a visitor sees in place of a page: the code, its name, and a sentence that tells nothing of the server."""
    return _html(
        f"{reason} · dnnexplain",
        f"<h1>{escape(reason)}</h1><p class=lead>{escape(words)}</p><p class=foot>{status}</p>",
    )


def _html(title: str, body: str, head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:;base64,=">{head}<title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )
