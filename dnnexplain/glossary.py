"""Words that are explained where they stand: one list for dashboards and docs."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

__all__ = ["glossary", "glossary_page"]


@cache
def glossary() -> dict[str, str]:
    """Term -> what it means, a sentence or two: words of the product, and those of each system, from its folder."""
    folders = sorted(files("dnnexplain").joinpath("systems").iterdir(), key=lambda folder: folder.name)
    terms: dict[str, str] = {}
    for folder in (files("dnnexplain"), *folders):
        if folder.joinpath("glossary.json").is_file():
            terms |= json.loads(folder.joinpath("glossary.json").read_text(encoding="utf-8"))
    return dict(sorted(terms.items(), key=lambda item: item[0].lower()))


def glossary_page() -> str:
    """The list as a page of the docs, in Markdown."""
    parts = ["# Glossary\n\nDashboards explain the same words where they stand.\n"]
    parts += [f"**{term}**\n: {text}\n" for term, text in sorted(glossary().items(), key=lambda item: item[0].lower())]
    return "\n".join(parts)
