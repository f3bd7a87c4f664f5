"""How a result shows itself: a few lines of text, HTML for a cell, and tables for papers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from dnnexplain.charts.svg import as_image
from dnnexplain.counts import counted
from dnnexplain.numbers import figure, with_minus

__all__ = ["html_of", "in_cell", "latex_of", "markdown_of", "text_of", "words_of_kind"]

Rows = Sequence[Mapping[str, Any]]

MOST_ROWS, FIRST_ROWS, MOST_LINES, MOST_COLUMNS = 20, 10, 5, 8
"""Of a page: a table of so many rows is shown whole, of a longer one the first; of a line of text; columns."""
_LONGEST, _WRAPPED, _SENTENCE = 60, 200, 24  # characters of a cell in a line of text, and where a page wraps it


def words_of_kind(name: str) -> str:
    """A class's name in words: ``ThresholdCurve`` is a ``Threshold curve``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def text_of(kind: str, sentence: str, rows: Rows, notes: Sequence[str] = ()) -> str:
    """Kind and sentence, the table's first rows and the notes, as lines of text."""
    lines = [f"{kind}: {sentence}" if sentence else kind]
    names, cells = _cells(_upright(rows), MOST_LINES)
    if names:
        wide = [max(len(row[i]) for row in [names, *cells]) for i in range(len(names))]
        right = _numeric(rows, names)
        for row in [names, *cells]:
            parts = [f"{cell:>{w}}" if r else f"{cell:<{w}}" for cell, w, r in zip(row, wide, right, strict=True)]
            lines.append(("  " + "  ".join(parts)).rstrip())
    if more := _more(_upright(rows), MOST_LINES):
        lines.append(f"  {more}")
    return "\n".join([*lines, *notes])


def html_of(kind: str, sentence: str, rows: Rows, picture: str, notes: Sequence[str] = ()) -> str:
    """The sentence, the picture (HTML) and the table; colours and fonts are the page's own."""
    shown = _upright(rows)
    most = MOST_ROWS if len(shown) <= MOST_ROWS else FIRST_ROWS
    names, cells = _cells(shown, most, _WRAPPED)
    right = _numeric(shown, names)
    head = "".join(f'<th scope="col" style="{_cell(r)}">{escape(n)}</th>' for n, r in zip(names, right, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_cell(r, c)}">{escape(with_minus(c))}</td>' for c, r in zip(row, right, strict=True))
        + "</tr>"
        for row in cells
    )
    table = f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>' if names else ""
    table = f'<div tabindex="0" role="group" aria-label="Table" style="overflow-x:auto">{table}</div>' if names else ""
    more = _more(shown, most)
    small = "".join(f'<p style="{_SMALL}">{escape(text)}</p>' for text in ([more] if more else []) + list(notes))
    return (
        f'<div class="dnnexplain-result" style="max-width:60em;color:inherit"><p style="margin:0 0 .5em">'
        f"<strong>{escape(kind)}.</strong> {escape(with_minus(sentence))}</p>{picture}{table}{small}</div>"
    )


def in_cell(picture: str) -> str:
    """An SVG, and the same as an image for viewers that take elements of SVG and style sheets out of a notebook's HTML.

    JupyterLab does so before a notebook is trusted. Then the style that hides the image is gone with the SVG, whose
    words would be left between it and the table: they have no size.
    """
    if not picture:
        return ""
    return (
        "<style>.dnnexplain-picture svg+img{display:none}.dnnexplain-picture svg{min-width:460px}</style>"
        '<div class="dnnexplain-picture" tabindex="0" role="group" aria-label="Picture" style="font-size:0px;overflow-x:auto">'
        f"{picture}{as_image(picture)}</div>"
    )


_TABLE = "border-collapse:collapse;margin:.5em 0;color:inherit;font-size:.9em"
_SMALL = "margin:.2em 0;font-size:.85em;opacity:.75"


def _cell(right: bool, text: str = "") -> str:
    side = "right" if right else "left"
    wide = ";min-width:14em" if len(text) > _SENTENCE else ""  # on a phone it would stand a word a line
    return f"text-align:{side};padding:.15em .7em .15em 0;border-bottom:1px solid rgba(128,128,128,.35){wide}"


def markdown_of(rows: Rows) -> str:
    """The whole table in Markdown (GitHub's pipe tables)."""
    names, cells = _cells(rows, None)
    escaped = [[cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row] for row in [names, *cells]]
    rule = ["---:" if right else "---" for right in _numeric(rows, names)]
    lines = [escaped[0], rule, *escaped[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" if names else ""


def latex_of(rows: Rows, caption: str = "", label: str = "") -> str:
    r"""The whole table in LaTeX, for the package ``booktabs``; within ``table`` if it has a caption or a label."""
    names, cells = _cells(rows, None)
    if not names:
        return ""
    kinds = "".join("r" if right else "l" for right in _numeric(rows, names))
    lines = [" & ".join(map(_latex, row)) + r" \\" for row in [names, *cells]]
    body = "\n".join(
        [
            rf"\begin{{tabular}}{{{kinds}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )
    if not caption and not label:
        return body + "\n"
    parts = [rf"\caption{{{_latex(caption)}}}"] if caption else []
    parts += [rf"\label{{{label}}}"] if label else []
    return "\n".join([r"\begin{table}", r"\centering", *parts, body, r"\end{table}"]) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "−": "$-$", "×": r"$\times$", "σ": r"$\sigma$", "…": r"\dots{}",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


# --- cells --------------------------------------------------------------------------------------


def _upright(rows: Rows) -> Rows:
    """A single row with many columns, as a row for each."""
    if len(rows) == 1 and len(rows[0]) > 6:
        return [{"figure": name, "value": value} for name, value in rows[0].items()]
    return rows


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cells(rows: Rows, most: int | None, longest: int = _LONGEST) -> tuple[list[str], list[list[str]]]:
    """Column names and cells as text; ``most`` limits rows, columns and, to ``longest``, the length of a cell for display."""
    names = _names(rows)
    if most is None:
        return names, [[_value_text(row.get(name), None) for name in names] for row in rows]
    names = names[:MOST_COLUMNS]
    return names, [[_value_text(row.get(name), longest) for name in names] for row in rows[:most]]


def _value_text(value: Any, most: int | None) -> str:
    if isinstance(value, list | tuple | set):
        text = ", ".join(_value_text(item, None) for item in value)
    elif value is None or isinstance(value, str | bool | int | float | np.number | np.bool_):
        text = figure(value)
    else:
        text = str(value)
    text = " ".join(text.split())
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def _numeric(rows: Rows, names: Sequence[str]) -> list[bool]:
    """Whether a column holds numbers alone, and so is set to the right."""
    return [all(row.get(n) is None or (isinstance(row.get(n), int | float | np.number)) for row in rows) for n in names]


def _more(rows: Rows, most: int) -> str:
    """What a short view leaves out, and where it is."""
    left = []
    if len(rows) > most:
        left.append(f"{counted(len(rows) - most, 'more row')}")
    if (columns := len(_names(rows))) > MOST_COLUMNS:
        left.append(f"{columns - MOST_COLUMNS} more columns")
    return f"{' and '.join(left)} in .table() and .frame()" if left else ""
