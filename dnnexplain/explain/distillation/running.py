"""Exported rules run as the programs they are: Python here, JavaScript by node, C by cc, JSON read as it stands."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["RUNNERS", "lacking_tool", "run_export"]

Rows = NDArray[np.float64]
Valid = NDArray[np.bool_]

_TOOLS = {"c": ("cc", "C compiler"), "javascript": ("node", "JavaScript engine")}
_SECONDS = 30


def lacking_tool(kind: str) -> str:
    """What this machine lacks to run a language, such as ``"C compiler (cc)"``; ``""`` if nothing."""
    tool, title = _TOOLS.get(kind, ("", ""))
    return "" if not tool or shutil.which(tool) else f"{title} ({tool})"


def run_export(kind: str, text: str, rows: Rows, valid: Valid | None = None, outputs: int = 0, *, switches: bool = False) -> Rows:  # fmt: skip
    """What an exported program answers.

    Args:
        kind: a language of :data:`RUNNERS`.
        text: the program.
        rows: features ``[n, F]``.
        valid: actions that are valid ``[n, A]``, of a program that chooses; ``None`` of one that sets outputs.
        outputs: how many outputs a program sets.
        switches: whether they are switches, which C gives as whole numbers.

    Returns:
        The action per row ``[n]``, or what is set ``[n, outputs]``, on and off as 1 and 0.

    Raises:
        DnnExplainError: the language's tool is not there, refuses the program, or does not come back.
    """
    missing = lacking_tool(kind)
    if missing:
        msg = f"to run the program takes a {missing}, which this machine lacks; install it, or run it elsewhere"
        raise DnnExplainError(msg)
    runners = RUNNERS[kind](text, rows, valid, outputs, switches)
    return np.asarray(runners, dtype=np.float64).reshape((len(rows),) if valid is not None else (len(rows), outputs))


def _python(text: str, rows: Rows, valid: Valid | None, outputs: int, switches: bool) -> Any:
    del outputs, switches
    program: dict[str, Any] = {}
    exec(compile(text, "<exported rules>", "exec"), program)  # noqa: S102 - our own text, just written
    decide: Callable[..., Any] = program["decide"]
    if valid is None:
        return [decide(row) for row in rows.tolist()]
    return [decide(row, allowed) for row, allowed in zip(rows.tolist(), valid.tolist(), strict=True)]


def _javascript(text: str, rows: Rows, valid: Valid | None, outputs: int, switches: bool) -> Any:
    del outputs, switches
    reading = 'const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));\n'
    calls = "asked.rows.map((row, place) => asked.valid ? decide(row, asked.valid[place]) : decide(row))"
    given = json.dumps({"rows": rows.tolist(), "valid": None if valid is None else valid.tolist()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.js")
        path.write_text(f"{text}\n{reading}console.log(JSON.stringify({calls}));\n", encoding="utf-8")
        return json.loads(_answer_of(["node", str(path)], given.encode()))


def _c(text: str, rows: Rows, valid: Valid | None, outputs: int, switches: bool) -> Any:
    kind, size = ("int", np.int32) if valid is not None or switches else ("double", np.float64)
    width, actions = rows.shape[1], 0 if valid is None else valid.shape[1]
    if valid is None:
        body = f"{kind} out[{outputs}]; decide(row, out); fwrite(out, sizeof out, 1, stdout);"
        read = ""
    else:
        body = "int out = decide(row, valid); fwrite(&out, sizeof out, 1, stdout);"
        read = f" && fread(valid, 1, {actions}, stdin) == {actions}"
    main = (
        f"int main(void) {{ double row[{width}]; unsigned char valid[{max(actions, 1)}]; (void)valid;\n"
        f"while (fread(row, sizeof(double), {width}, stdin) == {width}{read}) {{ {body} }}\nreturn 0; }}\n"
    )
    given = b"".join(
        row.tobytes() + (b"" if valid is None else valid[place].astype(np.uint8).tobytes())
        for place, row in enumerate(np.ascontiguousarray(rows, dtype=np.float64))
    )
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "rules.c"), Path(folder, "rules")
        source.write_text(f"#include <stdio.h>\n{text}\n{main}", encoding="utf-8")
        _answer_of(["cc", "-o", str(program), str(source)], b"")
        return np.frombuffer(_answer_of([str(program)], given), dtype=size)


def _json(text: str, rows: Rows, valid: Valid | None, outputs: int, switches: bool) -> Any:
    """The arrays walked as a reader of the file would, number by number, without the tree that wrote them."""
    del outputs, switches
    data = json.loads(text)
    if valid is not None:
        return [
            max((score, -action) for action, score in enumerate(_leaf(data["nodes"], row)) if allowed[action])[1] * -1
            for row, allowed in zip(rows.tolist(), valid.tolist(), strict=True)
        ]
    if data["kind"] == "values":
        return [_leaf(data["trees"][0], row, "numbers") for row in rows.tolist()]
    return [[(on := _leaf(tree, row))[1] > on[0] for tree in data["trees"]] for row in rows.tolist()]


def _leaf(nodes: Mapping[str, Any], row: list[float], last: str = "scores") -> list[float]:
    at = 0
    while nodes["feature"][at] >= 0:
        left = row[nodes["feature"][at]] <= nodes["threshold"][at]
        at = nodes["left" if left else "right"][at]
    leaf: list[float] = nodes[last][at]
    return leaf


def _answer_of(words: list[str], given: bytes) -> bytes:
    try:
        done = subprocess.run(words, input=given, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603 - our own program
    except (OSError, subprocess.SubprocessError) as error:
        text = " ".join((getattr(error, "stderr", None) or b"").decode(errors="replace").split())[:200] or str(error)
        msg = f"{Path(words[0]).name} could not run the exported program: {text}"
        raise DnnExplainError(msg) from None
    return done.stdout


RUNNERS: dict[str, Callable[[str, Rows, Valid | None, int, bool], Any]] = {
    "python": _python,
    "c": _c,
    "javascript": _javascript,
    "json": _json,
}
"""Language -> how a program in it is run."""
