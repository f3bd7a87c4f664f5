"""Does the same command with the same seed print and write the same in two processes?

    python benchmarks/same_seed.py [SYSTEM ...] [--only COMMAND ...] [--keep FOLDER]

Every command of every system that draws anything, with budgets in counts, is run twice, each time as a process of its
own that hashes texts in another order. What is printed as JSON and what is written is compared to the byte, but for
figures whose names say that they are seconds. It prints a line for each and ends with code 1 if one differs.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from dnnexplain.contract import state_from_values
from dnnexplain.explain.proofs.ready import property_names
from dnnexplain.registry import BUILT_IN, make_system, spec_of
from tests.systems.commands import compared

FEW = "--sets 2 --seed 3 --json"

TRAINED_IN = re.compile(rb"[0-9.]+ s on one core")
"""How long a fit took, in a generator's file and on its card; ten seconds and nine differ in length, and are told."""

LINES = {
    "evaluate": f"--policy default --policy best-rule {FEW}",
    "replay": "--policy default --workload {family} --seed 3 --json --out {folder}/steps.npz",
    "explain": "--method integrated-gradients --seed 3 --json --out {folder}/map.json",
    "explain --survey": "--seed 3 --json",
    "explain --sufficient": "--state {state} --seed 3 --json",
    "explain --consequences": "--seed 3 --json",
    "probe": "--neuron 0 --seed 3 --json",
    "attack --state": "{state} --rounds 2 --seed 3 --json --out {folder}/attack.json",
    "attack --workload": "{family} --rounds 2 --oracle-seconds 0 --seed 3 --json --out {folder}/attack.json",
    "regions": f"--states 60 {FEW} --out {{folder}}/profile.json",
    "guard": "--sets 2 --rounds 1 --cycles 0 --tries 1 --seed 3 --json --out {folder}/guard.json",
    "hypotheses": f"--states 60 --pairs 5 {FEW} --out {{folder}}/statements.json",
    "transfer": f"--family {{family}} --jobs 1 {FEW} --out {{folder}}/grid.json",
    "room": f"--futures 2 --jobs 1 --oracle-seconds 0 {FEW} --out {{folder}}/room.json",
    "generate": f"{FEW} --out {{folder}}/drawn",
    "generate --fit": "autoregressive --sets 20 --seed 3 --json --out {folder}/fit.safetensors",
    "stress": "--budget 20 --jobs 1 --oracle-seconds 0 --proofs 0 --seed 3 --json --out {folder}/report",
    "worst-case": "--rounds 2 --seed 3 --json --out {folder}/case.json",
    "prove": "--property {property} --nodes 20 --seconds 100000 --seed 3 --json",
    "prove --property": "robust --state {state} --within 1 --nodes 20 --seconds 100000 --seed 3 --json",
    "distill": "--sets 4 --unseen 4 --seeds 2 --rounds 1 --leaves 4 --seed 3 --json --out {folder}/rules.json",
    "train": "{brief} --seed 3 --threads 1 --json --out {folder}/net.safetensors",
    "export": "{folder}/page.html",
}
"""Options of each command; budgets are counts."""

BRIEF = {
    "deeprm": "--recipe as-published --original --slots 3 --iterations 1",
    "abr": "--iterations 1 --sessions 8",
    "routing": "--topology ring-4 --steps 2",
    "cellular": "--iterations 2 --days 8 --batch 4",
    "cran": "--heads 2 --users 1 --days 80 --steps 100 --rounds 1",
}
"""Trainings that take seconds."""

SECONDS = re.compile(r"seconds|elapsed|^took$|^time$|per_second")
"""Names of figures that may differ between two runs."""


def line_of(command, system, state, folder):
    """The words after ``dnnexplain``."""
    spec = spec_of(system)
    claims = [name for name in property_names(spec) if name != "robust"]
    word, *flags = command.split()
    words = LINES[command].format(
        folder=folder, state=state, family=spec.family().name, brief=BRIEF[system], property=claims[0]
    )
    return [word, system, *flags, *words.split()]


def run(line, hashes):
    """How a command ended, what it printed, and the CPU-seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONHASHSEED": str(hashes)}
    ended = subprocess.run(
        [sys.executable, "-m", "dnnexplain", *line], env=environment, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def read(content):
    """Data as they are compared: JSON without seconds, anything else byte by byte."""
    found = compared(content, SECONDS)
    return TRAINED_IN.sub(b"", found) if isinstance(found, bytes) else found


def written(folder):
    """Everything below a folder by its place."""
    return {str(path.relative_to(folder)): read(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def differences(one, other, where=""):
    """Places where two pieces of data differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from differences(one.get(name), other.get(name), f"{where}.{name}" if where else name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{where}[{place}]")
    elif one != other:
        yield f"{where}: {one!r:.60} / {other!r:.60}"


def twice(command, system, state, base):
    """Run a command in two processes: what differs, how they ended, CPU-seconds of the first."""
    found = []
    for place, hashes in enumerate((1, 2)):
        folder = base / f"{system}-{command.replace(' ', '')}" / "same"
        folder.mkdir(parents=True)
        ended, seconds = run(line_of(command, system, state, folder), hashes)
        said = read(ended.stdout.replace(str(folder), ""))
        found.append((ended.returncode, said, written(folder), ended.stderr, seconds))
        (folder.parent / f"stdout{place}.json").write_text(ended.stdout)
        (folder.parent / f"stderr{place}.txt").write_text(ended.stderr)
        folder.rename(folder.parent / f"files{place}")
    first, second = found
    apart = list(differences(first[1], second[1], "printed")) + list(differences(first[2], second[2], "written"))
    return apart, (first[0], second[0]), first[3], first[4]


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("system", nargs="*", default=list(BUILT_IN))
    options.add_argument("--only", nargs="*", default=list(LINES))
    options.add_argument("--keep", type=Path, help="leave what was printed and written here")
    options = options.parse_args()
    base, faults = options.keep or Path(tempfile.mkdtemp(prefix="dnnexplain-same-")), 0
    for system in options.system:
        made, state = make_system(system), base / f"{system}.json"
        base.mkdir(exist_ok=True, parents=True)
        state.write_text(json.dumps(made.state_to_json(state_from_values(made, {}))))
        for command in options.only:
            apart, codes, said, seconds = twice(command, system, state, base)
            end = "" if codes == (0, 0) else f"  ended with {codes}: {said.strip()[:200]}"
            faults += bool(apart) or codes != (0, 0)
            print(f"{system} {command}: {'same' if not apart else 'DIFFERS'}, {seconds:.1f} CPU-s{end}", flush=True)
            for place in apart[:5]:
                print(f"    {place}", flush=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
