"""Write ``constraints.lock``: the tested versions with the SHA-256 of every archive that an index has of them.

    python -m tools.lock

``pip install --require-hashes --no-deps -r constraints.lock`` then installs nothing else. PyTorch is left out:
its builds without CUDA come from another index and have other hashes; install it first, by its version.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from dnnexplain.counts import counted
from tools.machine import give_up, say

__all__ = ["NOT_HASHED", "UV", "main", "to_hash", "uv"]

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
"""What asks the index; pip can only hash what it has downloaded for this machine."""

NOT_HASHED = frozenset({"torch"})

_HEAD = """\
# Made by `python -m tools.lock` from constraints.txt: every tested version, with the SHA-256 of its archives.
# torch is not here: its CPU builds have an index of their own. To install nothing but what is listed:
#   pip install {torch} --index-url https://download.pytorch.org/whl/cpu --no-deps
#   pip install --require-hashes --no-deps -r constraints.lock
#   pip install --no-deps .
"""


def main() -> None:
    """Ask the index for the hashes of all versions, and write the file."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    command = [uv(), "pip", "compile", "--quiet", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate"]
    done = subprocess.run(
        [*command, "--python-version", "3.11", "-"], input=to_hash(pins), check=False, capture_output=True, text=True
    )
    if done.returncode:
        give_up(f"the hashes could not be had: {(done.stderr.strip().splitlines() or ['no reason was given'])[-1]}")
    torch = next(line for line in pins.splitlines() if line.startswith("torch=="))
    target = ROOT / "constraints.lock"
    target.write_text(_HEAD.format(torch=torch) + done.stdout, encoding="utf-8")
    matches = re.findall(r"^[\w.-]+==", done.stdout, re.MULTILINE)
    say(f"{target.name}: {counted(len(matches), 'package')}")


def to_hash(pins: str) -> str:
    """The lines of ``constraints.txt`` that the lock file holds too."""
    lines = [line for line in pins.splitlines() if line and not line.startswith("#")]
    return "\n".join(line for line in lines if line.partition("==")[0] not in NOT_HASHED) + "\n"


def uv() -> str:
    """The program uv: the one on the path, else one that is installed into ``build/uv``."""
    which = shutil.which("uv")
    if which:
        return which
    folder = ROOT / "build" / "uv"
    program = folder / "bin" / "uv"
    if not program.exists():
        say(f"Installing {UV} into {folder}")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", UV], check=True)
    return str(program)


if __name__ == "__main__":
    main()
