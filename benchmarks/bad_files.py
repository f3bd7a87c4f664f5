"""Every file of bad will for every option of every command that takes text: who reads it, and how does it end?

    python benchmarks/bad_files.py deeprm [COMMAND ...]

The suite gives each option one such file (``tests/abuse/test_bad_files.py``); this gives all of them to all, and beside
them what a command itself wrote, cut off. It prints what reads a file, and ends with code 1 and the command lines if one
hangs, ends with another code than 2, says more than a sentence or two, or takes a gigabyte more than before; or if an
option reads a file of which its help does not speak.
"""

import resource
import shlex
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from dnnexplain.cli import COMMANDS
from tests.abuse.bad_files import (
    bad_files,
    ended,
    in_one_process,
    line_for,
    small_network,
    text_options,
    told_as_file,
)

MOST_MEGABYTES = 1000
OPENED = []


def note(event, arguments):
    """Remember what is opened or listed."""
    if event in {"open", "os.listdir", "os.scandir"}:
        OPENED.append(str(arguments[0]))


def reads(line, file):
    """How a command line ends, and whether it opened that file."""
    OPENED.clear()
    end = ended(line)
    return end, str(file) in OPENED


def cut_off(folder):
    """What commands wrote, without its second half."""
    written = {
        "guard.json": "guard deeprm --sets 2 --rounds 1 --cycles 0 --tries 1 --out",
        "profile.json": "regions deeprm --sets 2 --states 4 --out",
        "attack.json": "attack deeprm --workload deeprm --rounds 1 --oracle-seconds 0 --out",
        "case.json": "worst-case deeprm --rounds 1 --budget 1 --out",
        "grid.json": "transfer deeprm --family deeprm --sets 1 --jobs 1 --out",
        "map.json": "explain deeprm --badge none --out",
    }
    halves = {}
    for name, line in written.items():
        ended([*line.split(), str(folder / name)])
        content = (folder / name).read_bytes()
        half = folder / f"half-{name}"
        half.write_bytes(content[: len(content) // 2])
        halves[half.name] = half
    half = folder / "half.pt"
    half.write_bytes((folder / "network.pt").read_bytes()[:600])
    return halves | {half.name: half}


def megabytes():
    """The most that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(system, commands):
    """Try all; the command lines at fault."""
    folder, faults = Path(tempfile.mkdtemp(prefix="dnnexplain-bad-")), []
    small_network(folder / "network.pt")
    files = bad_files(folder) | cut_off(folder)
    for command in commands:
        for parameter in text_options(command, system):
            tried = files if told_as_file(parameter) else {"noise": files["noise"], "folder": files["folder"]}
            read = 0
            for name, file in tried.items():
                line, before = line_for(command, system, parameter, file, folder), megabytes()
                end, opened = reads(line, file)
                read += opened
                fault = end.fault if told_as_file(parameter) else ""
                if opened and not told_as_file(parameter):
                    fault = "reads a file, and its help does not say so"
                if megabytes() > before + MOST_MEGABYTES:
                    fault = fault or f"took {megabytes() - before:.0f} MB"
                if fault:
                    faults.append(f"{fault}: dnnexplain {shlex.join(line)} ({name})\n    {end.said.strip()[:300]}")
                    print("  ", faults[-1], flush=True)
            print(f"{command} {parameter.opts[0]}: {len(tried)} files, {read} read", flush=True)
    return faults


if __name__ == "__main__":
    sys.addaudithook(note)
    chosen, *named = sys.argv[1:] or ["deeprm"]
    every = [name.replace("_", "-") for name in COMMANDS if name != "systems"]
    with pytest.MonkeyPatch.context() as patch, in_one_process(patch):
        found = main(chosen, named or every)
    sys.exit(1 if found else 0)
