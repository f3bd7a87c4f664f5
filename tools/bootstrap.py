"""Make the project's virtual environment and install the project into it, once per change.

    python3 -m tools.bootstrap --extras widgets

It needs Python 3.11 to 3.13 and nothing else. What was installed is written to a stamp at the very
end, so an interrupted installation is done again and an unchanged one costs no time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tools.machine import apt_install, give_up, reachable, say

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)
TORCH_HOST = "download.pytorch.org"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
FREE_GB = 3.0
STAMP = "dnnexplain-installed"


def main() -> None:
    """Bring the environment up to date, or end with one line that says why not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extras", default="all", help="comma-separated extras of pyproject.toml, e.g. widgets")
    parser.add_argument("--venv", default=".venv", help="the environment's folder, relative to the project")
    options = parser.parse_args()
    check_python()
    venv = ROOT / options.venv
    wanted = {extra for extra in options.extras.split(",") if extra}
    have = installed_extras(venv)
    if have is not None and ("all" in have or wanted <= have):
        return
    make_venv(venv)
    install(venv, "all" if "all" in wanted else ",".join(sorted(wanted | (have or set()))))


def check_python() -> None:
    """Go on with a Python that fits, or give up."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.run([other, "-c", ""], check=False, capture_output=True).returncode == 0:
            say(f"{sys.executable} is Python {platform.python_version()}; going on with {other}.")
            os.chdir(ROOT)
            os.execv(other, [other, "-m", "tools.bootstrap", *sys.argv[1:]])
    give_up(
        f"dnnexplain needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, but {sys.executable} is Python "
        f"{platform.python_version()}; install one of them and run make PYTHON=python3.{NEWEST[1]}."
    )


def venv_python(venv: Path) -> Path:
    """The environment's own interpreter."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def fingerprint() -> str:
    """What an installation depends on: two files, where the project lies, and the Python."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def installed_extras(venv: Path) -> set[str] | None:
    """The extras that a finished, still valid installation has; None if there is none."""
    try:
        mark, extras = (venv / STAMP).read_text(encoding="utf-8").split("\n")[:2]
    except (OSError, ValueError):
        return None
    return set(extras.split(",")) if mark == fingerprint() and venv_python(venv).exists() else None


def make_venv(venv: Path) -> None:
    """Make the environment, unless a working one with this version of Python is there."""
    check_space(venv.parent)
    if venv_works(venv):
        return
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
        give_up(f"{venv} is there but is no virtual environment; move it away, or run make VENV=another-folder.")
    if find_spec("ensurepip") is None and not apt_install("python3-venv"):
        give_up(
            "this Python has no ensurepip, so it cannot make a virtual environment; "
            f"install it (Debian, Ubuntu: apt-get install python3.{sys.version_info[1]}-venv) and run make again."
        )
    say(f"Making the environment {venv}")
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        give_up(f"cannot make the environment {venv}: {last_line(done.stderr or done.stdout)}")


def venv_works(venv: Path) -> bool:
    """Whether the environment's Python runs, has pip, and is the version asked for."""
    try:
        done = subprocess.run(
            [str(venv_python(venv)), "-c", "import pip, sys; print(*sys.version_info[:2])"],
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError:
        return False
    here = f"{sys.version_info[0]} {sys.version_info[1]}"
    if done.returncode == 0 and done.stdout.strip() != here:
        give_up(
            f"{venv} was made with Python {done.stdout.strip().replace(' ', '.')}, but this is Python "
            f"{here.replace(' ', '.')}; remove that folder, or run make VENV=another-folder."
        )
    return done.returncode == 0


def check_space(folder: Path) -> None:
    """Give up early where an installation cannot fit."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    if free < FREE_GB:
        give_up(f"{folder} has {free:.1f} GB free, but the installation needs {FREE_GB:g} GB; make room and run again.")


def install(venv: Path, extras: str) -> None:
    """Install the project with its extras in their tested versions, and stamp it as done."""
    stamp = venv / STAMP
    stamp.unlink(missing_ok=True)
    pip(venv, "--upgrade", "pip", quiet=True)
    say(f"Installing dnnexplain[{extras}] into {venv}: a few minutes the first time")
    error = pip(venv, "-c", str(ROOT / "constraints.txt"), *torch_source(), "-e", f"{ROOT}[{extras}]")
    if error:
        give_up(explain(error))
    fresh = stamp.with_suffix(".new")
    fresh.write_text(f"{fingerprint()}\n{extras}\n", encoding="utf-8")
    fresh.replace(stamp)


def torch_source() -> list[str]:
    """Where to look for PyTorch without CUDA: 0.2 GB instead of 3."""
    if sys.platform == "darwin":
        return []
    if reachable(TORCH_HOST):
        return ["--extra-index-url", TORCH_INDEX]
    say(f"{TORCH_HOST} is out of reach: pip takes PyTorch from its own sources, perhaps the larger build with CUDA.")
    return []


def pip(venv: Path, *arguments: str, quiet: bool = False) -> str:
    """Run pip install; the error text, empty if all went well."""
    silent = quiet or not sys.stdout.isatty()
    command = [str(venv_python(venv)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(
        command + (["--quiet"] if silent else []) + list(arguments),
        check=False,
        cwd=str(ROOT),
        stderr=subprocess.PIPE,
        text=True,
    )
    return done.stderr if done.returncode else ""


def last_line(text: str) -> str:
    """The line of an error text that names the error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR: ") and "ResolutionImpossible" not in line]
    return (errors or lines or ["no reason was given"])[-1].replace("ERROR: ", "")


def explain(error: str) -> str:
    """Why pip failed, in one sentence: what went wrong and what to do."""
    if "No space left on device" in error:
        return f"the disk is full; the installation needs {FREE_GB:g} GB; make room and run again."
    offline = ("Failed to establish a new connection", "Temporary failure in name resolution", "NameResolutionError")
    if any(sign in error for sign in offline):
        return (
            "pip cannot reach a package index; connect this machine, or set PIP_INDEX_URL to a mirror, and run again."
        )
    return f"pip could not install the project: {last_line(error)}"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("Interrupted; run make again to go on.")
        raise SystemExit(130) from None
    except OSError as error:
        give_up(f"{error.strerror or error}: {error.filename or 'no file named'}")
