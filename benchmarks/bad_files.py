"""Every file of bad will for every option of every command that takes text: who reads it, and how does it end?

    python benchmarks/bad_files.py deeprm [COMMAND ...] [--seconds 1200]

The suite gives each option one such file (``tests/abuse/test_bad_files.py``); this gives all of them to all, and beside
them what a command itself wrote, cut off. Pairs of option and file are tried in an order by chance (seed 7) until all were or the CPU-seconds are spent; it
says how many were left. It prints what reads a file, and ends with code 1 and the command lines if one
hangs, ends with another code than 2, says more than a sentence or two, or takes a gigabyte more than before; or if an
option reads a file of which its help does not speak.
"""

import argparse
import random
import resource
import shlex
import sys
import tempfile
import time
from collections import Counter
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


def pairs(system, commands, files):
    """(command, option, name of a file) in an order by chance."""
    every = [
        (command, parameter, name)
        for command in commands
        for parameter in text_options(command, system)
        for name in (files if told_as_file(parameter) else ("noise", "folder"))
    ]
    random.Random(7).shuffle(every)
    return every


def fault_of(command, system, parameter, name, files, folder):
    """What is wrong with how a command took a file, and whether it was read; empty if nothing."""
    line, before = line_for(command, system, parameter, files[name], folder), megabytes()
    end, opened = reads(line, files[name])
    fault = end.fault if told_as_file(parameter) else ""
    if opened and not told_as_file(parameter):
        fault = "reads a file, and its help does not say so"
    if megabytes() > before + MOST_MEGABYTES:
        fault = fault or f"took {megabytes() - before:.0f} MB"
    return fault and f"{fault}: dnnexplain {shlex.join(line)} ({name})\n    {end.said.strip()[:300]}", opened


def main(system, commands, seconds):
    """Try all for which there is time; the command lines at fault."""
    folder, faults = Path(tempfile.mkdtemp(prefix="dnnexplain-bad-")), []
    small_network(folder / "network.pt")
    files = bad_files(folder) | cut_off(folder)
    every, read, begun, done = pairs(system, commands, files), Counter(), time.process_time(), 0
    for command, parameter, name in every:
        if time.process_time() - begun > seconds:
            break
        fault, opened = fault_of(command, system, parameter, name, files, folder)
        read[f"{command} {parameter.opts[0]}"] += opened
        done += 1
        if fault:
            faults.append(fault)
            print("  ", fault, flush=True)
    print("; ".join(f"{option} read {count}" for option, count in sorted(read.items()) if count))
    spent = time.process_time() - begun
    print(f"{done} of {len(every)} pairs of option and file tried in {spent:.0f} CPU-s; {len(faults)} at fault.")
    return faults


if __name__ == "__main__":
    sys.addaudithook(note)
    asked = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    asked.add_argument("system", nargs="?", default="deeprm")
    asked.add_argument("commands", nargs="*")
    asked.add_argument("--seconds", type=float, default=1200.0, help="of the processor, to try pairs")
    asked = asked.parse_args()
    every = [name.replace("_", "-") for name in COMMANDS if name != "systems"]
    with pytest.MonkeyPatch.context() as patch, in_one_process(patch):
        found = main(asked.system, asked.commands or every, asked.seconds)
    sys.exit(1 if found else 0)
