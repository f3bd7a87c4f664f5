"""What each step of the white-box bound buys on Abilene's current matrix.

    python benchmarks/white_box.py [--programs 6400] [--seed 0]

The bound on cost / optimum of the piecewise-linear stand-in: outputs anywhere in [0, 1], outputs within the intervals
that the network allows, then the worst part halved on, after as many linear programs as are said. Seconds are the
process's own. The figures of record are in worst_case.md.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from dnnexplain.explain.gray_box.assemble import white_box_of
from dnnexplain.explain.gray_box.white_box_envelope import Envelope
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system


def main() -> None:
    """Print a row for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=6400)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    system = make_system("routing")
    box = white_box_of(system.stand_in(named_policy(system, "default"), asked.seed))
    print("| step | linear programs | CPU-s | bound |\n|-|-|-|-|")
    start = time.process_time()
    anywhere = _Anywhere(box)
    print(
        f"| any split over the two paths | {anywhere.programs} | {time.process_time() - start:.1f} | {anywhere.bound:.3f} |"
    )
    start = time.process_time()
    envelope = Envelope(box)
    print(
        f"| splits within intervals | {envelope.programs} | {time.process_time() - start:.1f} | {envelope.bound:.3f} |"
    )
    until = 100
    while until <= asked.programs:
        envelope.search(0.0, lambda until=until: envelope.programs < until)
        spent = time.process_time() - start
        print(f"| the worst part halved | {envelope.programs} | {spent:.1f} | {envelope.bound:.3f} |", flush=True)
        until *= 2


class _Anywhere(Envelope):
    """Outputs that no network holds together."""

    def _outputs(self, _part: object) -> tuple[np.ndarray, np.ndarray]:
        outputs = len(self.box.layers[-1][1])
        return np.zeros(outputs), np.ones(outputs)


if __name__ == "__main__":
    main()
