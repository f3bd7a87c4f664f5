"""Limits in seconds, asked and used, for every command that has one: ``python benchmarks/limits.py [SYSTEM ...] --seconds 2``.

Each command line is run in this process, once with a hundredth of a second, then with the seconds that are asked for. Told are
CPU-seconds, those of child processes too. *Over* is what was used beyond the seconds asked for and beyond the beginning that
commands share (reading the network, making the system, running one workload: that of ``evaluate --sets 1``), as a share of
the seconds asked for; of ``--compare`` each method has the whole budget, and the limit of ``guard`` is on making one: that alone is
told, as the command tells it (by the same clock), with no beginning taken off. Limits by the clock are held against CPU-seconds too, so that a busy machine makes no difference. What
Numba compiles at its first use counts: where nothing was compiled yet, the second run is the one to read. It
ends with code 1 if more than a tenth is used over anywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from dnnexplain import cli
from dnnexplain.contract import State
from dnnexplain.explain.gray_box import METHODS
from dnnexplain.explain.proofs.ready import property_names
from dnnexplain.registry import make_system, spec_of
from dnnexplain.systems import BUILT_IN

LEAST, MOST = 0.01, 0.1
SEED = 5
PARTS = {"guard": "making"}
"""The limited part of a command that tells what its parts took."""
TIMES = {"attack --state --compare": 4}
"""How often the limit is given out."""


def lines(system: str, folder: Path) -> Iterator[tuple[str, str]]:
    """(what, a command line with ``{s}`` for the seconds) of everything that takes a limit."""
    spec, family = spec_of(system), spec_of(system).family().name
    state = folder / f"{system}.json"
    made = make_system(system)
    low, high = ([getattr(knob, end) for knob in made.knobs] for end in ("low", "high"))
    drawn = made.repair(np.random.default_rng(SEED).uniform(low, high)[None])[0]
    state.write_text(json.dumps(made.state_to_json(State(drawn))))
    yield "attack --state", f"attack {system} --state {state} --budget {{s}}"
    yield "attack --state --compare", f"attack {system} --state {state} --compare --budget {{s}}"
    yield "attack --workload", f"attack {system} --workload {family} --budget {{s}} --oracle-seconds 0"
    yield "attack --pairs", f"attack {system} --pairs --budget {{s}}"
    for method in (*METHODS, "white-box"):
        yield f"worst-case, {method}", f"worst-case {system} --method {method} --budget {{s}}"
    yield "guard", f"guard {system} --seconds {{s}} --json"
    yield "explain --sufficient", f"explain {system} --sufficient --state {state} --seconds {{s}}"
    yield "explain --sufficient --minimum", f"explain {system} --sufficient --minimum --state {state} --seconds {{s}}"
    for name in property_names(spec):
        around = f" --state {state}" if name == "robust" else ""
        yield f"prove {name}", f"prove {system} --property {name}{around} --seconds {{s}}"


def spent() -> float:
    """CPU-seconds of this process and of its children that have ended."""
    here, there = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return here.ru_utime + here.ru_stime + there.ru_utime + there.ru_stime


def taken(line: str, part: str = "") -> tuple[float, int, str]:
    """CPU-seconds, of the whole or of a part that the command tells; the exit code; what was said of a mistake."""
    told, said = io.StringIO(), io.StringIO()
    begun = spent()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(said):
        code = cli.main(line.split())
    used = json.loads(told.getvalue())["seconds"][part] if part and not code else spent() - begun
    return used, int(code or 0), said.getvalue().strip()


def row(system: str, what: str, line: str, asked: float, begin: float) -> float:
    """Print what a command uses; by which share of the limit it goes over."""
    part = PARTS.get(what, "")
    least, code, said = taken(line.format(s=LEAST), part)
    if code == 2:
        print(f"{system:9} {what:34} not there: {' '.join(said.split())[:90]}", flush=True)
        return 0.0
    used, code, said = taken(line.format(s=asked), part)
    begin = 0.0 if part else begin
    asked *= TIMES.get(what, 1)
    over = (used - begin - asked) / asked
    mark = "  OVER" if over > MOST else ""
    print(
        f"{system:9} {what:34} asked {asked:5.2f} used {used:6.2f} (with {LEAST}: {least:5.2f}) over {over:+6.0%}{mark}{f'  code {code}' if code else ''}",
        flush=True,
    )
    return over


def main() -> int:
    """All rows; 1 if a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="what begins so")
    asked = parser.parse_args()
    time.monotonic = time.process_time
    folder, most = Path(tempfile.mkdtemp(prefix="dnnexplain-limits-")), 0.0
    os.chdir(folder)
    for system in asked.systems or BUILT_IN:
        begin = [taken(f"evaluate {system} --policy default --sets 1")[0] for _ in "12"][-1]
        print(f"{system:9} {'evaluate --sets 1':34} used {begin:.2f}", flush=True)
        for what, line in lines(system, folder):
            if what.startswith(asked.only):
                most = max(most, row(system, what, line, asked.seconds, begin))
    print(f"At most {most:+.0%} over.")
    return int(most > MOST)


if __name__ == "__main__":
    sys.exit(main())
