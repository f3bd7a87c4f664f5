"""How does every command of every system end where nothing of what it prints arrives?

    python benchmarks/outputs.py [SYSTEM ...] [--only COMMAND ...]

Each command, with and without ``--json``, on a closed standard output, on a full disk, and on a pipe whose reader has
left. The suite tries each command on one system with one of these (``tests/systems/test_outputs.py``). It prints the
command lines at fault, how many were tried, and ends with code 1 if one is: it ends with a traceback, with more than a
sentence, with a code that is not that of such an output, or it loses the file that it was to write.
"""

import argparse
import shlex
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from dnnexplain.registry import BUILT_IN
from tests.systems.broken_outputs import CODES, ended_on, fault_of
from tests.systems.commands import SMALL, line_of, state_file

REFUSED = 2
SMALLER = {"guard": {"deeprm": ("--slots", "2", "--steps", "12")}}
"""What makes a system small, for a command that otherwise takes a minute."""


def fault_in(system, command, kind, as_json):
    """What is wrong with such an end of a command, and its line; nothing where a system refuses what is asked."""
    folder = Path(tempfile.mkdtemp(prefix="dnnexplain-outputs-"))
    line = line_of(command, system, folder, state_file(system, folder))
    words = [*(word for word in line if as_json or word != "--json"), *SMALLER.get(command, {}).get(system, ())]
    end = ended_on(kind, words)
    if end.code == REFUSED and "no space left" not in end.said and end.said.count("\n") == 1:
        return None
    lost = "--out" in words and not Path(words[words.index("--out") + 1]).exists()
    fault = fault_of(kind, end) or ("what was found is lost with what was printed" if lost else "")
    return f"{fault}: {kind}: dnnexplain {shlex.join(words)}" if fault else ""


def main():
    """Try all; 1 if one is at fault."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("systems", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--only", nargs="+", default=list(SMALL))
    asked, begun, found = parser.parse_args(), time.process_time(), []
    for system, command in product(asked.systems, asked.only):
        for kind, as_json in product(CODES, (True, False)):
            found.append(fault_in(system, command, kind, as_json))
            if found[-1]:
                print("  ", found[-1], flush=True)
    faults, refused = sum(map(bool, found)), found.count(None)
    spent = time.process_time() - begun
    print(f"{len(found)} runs in {spent:.0f} CPU-s: {refused} refused by the system, {faults} at fault.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
