"""Run tests with the oldest version of every dependency that ``pyproject.toml`` allows: what its lower bounds promise.

    python -m tools.oldest tests/deeprm tests/cli

pip knows no such resolution, so uv makes the environment (``.venv-oldest``). What the dependencies themselves bring
is not the oldest: their own bounds are theirs to keep. PyTorch stays at its tested version: pip installs it first, as
`make` does, since uv would take the build with CUDA where both builds have one number.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.bootstrap import torch_source
from tools.lock import uv
from tools.machine import give_up, say

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-oldest"
EXTRAS = ("test",)
"""Beside the core; panels and documents move with Jupyter and Sphinx, whose newest releases are what people have."""

TESTS = (
    "tests/deeprm",
    "tests/policies",
    "tests/cli/test_skeleton.py",
    "tests/test_files.py",
    "tests/test_small_system.py",
)
"""What is run if nothing is named: simulators, oracles, networks, the command line's frame."""


def main(arguments: list[str]) -> int:
    """Make the environment, run the tests, and return pytest's exit code."""
    program = uv()
    say(f"Making {VENV.name} with the oldest versions that are allowed, and {tested_torch()}")
    subprocess.run([program, "venv", "--quiet", "--clear", "--seed", "--python", sys.executable, str(VENV)], check=True)
    python = VENV / "bin" / "python"
    torch = [str(python), "-m", "pip", "install", "--quiet", *torch_source(), tested_torch()]
    if subprocess.run(torch, cwd=ROOT, check=False).returncode:
        give_up("PyTorch could not be installed")
    install = [program, "pip", "install", "--quiet", "--python", str(python), "--resolution", "lowest-direct"]
    if subprocess.run([*install, "-e", f".[{','.join(EXTRAS)}]"], cwd=ROOT, check=False).returncode:
        give_up("the oldest versions could not be installed together; raise the bound that uv names")
    tests = [str(python), "-m", "pytest", "-q", "-m", "not slow and not browser"]
    return subprocess.run([*tests, *(arguments or TESTS)], cwd=ROOT, check=False, env=dict(os.environ)).returncode


def tested_torch() -> str:
    """PyTorch and its tested version, as ``constraints.txt`` pins it."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in pins if line.startswith("torch=="))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
