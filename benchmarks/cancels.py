"""How soon every panel of every system answers a cancel: ``python benchmarks/cancels.py [SYSTEM ...]``.

Each panel's main button is pressed as on its dashboard, and its work is cancelled after some seconds (``--after``). Told is
the processor time, and the time by the clock, from there until the panel shows what it has, or that nothing was kept; and what the dropped work took
after that.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from dnnexplain.app import dashboard_parts
from dnnexplain.systems import BUILT_IN
from dnnexplain_widgets import Dashboard

WAIT = 120.0


def main() -> None:
    """Print a row for each panel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--after", type=float, default=3.0, help="seconds of work before the cancel")
    parser.add_argument("--panel", default="", help="this panel alone")
    asked = parser.parse_args()
    for name in asked.systems:
        board = Dashboard(**dashboard_parts(name))
        for entries in board.fitting.values():
            for entry in entries:
                if asked.panel in ("", entry.name):
                    row(name, board.panel(entry.name), asked.after)
        board.close()


def row(system: str, panel: Any, after: float) -> None:
    """Press, wait, cancel, and tell."""
    strong = [control["name"] for control in panel.controls if control.get("strong")]
    if not strong:
        return
    panel.set_state({"presses": {strong[0]: panel.presses.get(strong[0], 0) + 1}})
    ends = time.monotonic() + after
    while time.monotonic() < ends and panel.busy:
        time.sleep(0.05)
    who = f"{system:9} {type(panel).__name__:22}"
    if not panel.busy:
        print(f"{who} over before it was cancelled {panel.error[:100]}", flush=True)
        return
    newest = panel.jobs.current
    began, clock = time.process_time(), time.monotonic()
    panel.cancel()
    while panel.busy and time.monotonic() - clock < WAIT:
        time.sleep(0.02)
    spent, by_clock = time.process_time() - began, time.monotonic() - clock
    state = "still busy" if panel.busy else panel.stopped
    panel.drop()
    newest.ended.wait(WAIT)
    rest = time.process_time() - began - spent
    print(
        f"{who} {spent:6.1f} CPU-s {by_clock:6.1f} s, then {rest:5.1f} CPU-s unseen  {state} {panel.error[:100]}",
        flush=True,
    )


if __name__ == "__main__":
    main()
