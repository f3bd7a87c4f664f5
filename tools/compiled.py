"""Compile what Numba compiles, before many processes ask for it at once: each would do the same work.

    python -m tools.compiled

Compiled functions are kept beside their source. The commands below call most of them once, for each built-in system;
what is left is compiled where it is first needed. A command that fails is said and costs nothing but its time.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dnnexplain.cli import main as command_line
from dnnexplain.contract import state_from_values
from dnnexplain.registry import BUILT_IN, make_system
from tools.machine import say

__all__ = ["main"]

LINES = (
    "evaluate {system} --sets 2 --policy default --policy best-rule --policy optimum",
    "explain {system} --state {state}",
    "attack {system} --state {state} --rounds 1",
    "distill {system} --rounds 1 --sets 2 --unseen 2 --seeds 1",
    "worst-case {system} --rounds 1",
)


def main() -> None:
    """Run every line for every system, and say how long it took."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        failed = [line for line in lines(Path(folder)) if not runs(line)]
    for line in failed:
        say(f"Not everything is compiled: this failed: dnnexplain {line}")
    say(f"Compiled in {time.perf_counter() - begun:.0f} s")


def lines(folder: Path) -> Iterator[str]:
    """The arguments of each command, its state in a file of its own."""
    for system in BUILT_IN:
        made = make_system(system)
        state = folder / f"{system}.json"
        state.write_text(json.dumps(made.state_to_json(state_from_values(made, {}))), encoding="utf-8")
        yield from (line.format(system=system, state=state) for line in LINES)


def runs(line: str) -> bool:
    """Run a command without showing anything; whether it answered or named the ability that the system lacks."""
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            return command_line(line.split()) == 0 or "dnnexplain.contract." in said.getvalue()
        except (Exception, SystemExit):  # noqa: BLE001 - the tests that follow will say more
            return False


if __name__ == "__main__":
    main()
