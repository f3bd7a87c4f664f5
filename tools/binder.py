"""The Binder folder: write its pins, print its links, and follow its steps where no Docker is.

``python -m tools.binder pins`` writes ``binder/requirements.txt`` from pyproject.toml and constraints.txt;
``links OWNER/REPO`` prints where JupyterLab, the dashboard and each lesson open on mybinder.org;
``check`` makes the image's Python part in a fresh environment and says its size and a kernel's memory; with ``--linked``
the packages are not downloaded but taken from the environment that runs this, where their versions are the pinned ones.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import quote

from tools.bootstrap import TORCH_HOST, TORCH_INDEX, venv_python
from tools.machine import give_up, reachable, say

__all__ = ["check", "closure", "links", "main", "requirements"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "binder"
HEAD = """# Written by `python -m tools.binder pins`: what dnnexplain[widgets] needs, in the tested versions, without CUDA.
# No local path stands here, so that Binder's layer with these packages is kept from commit to commit.
"""
LIMIT_GB = 2.0  # what mybinder.org gives a session


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("pins")
    commands.add_parser("links").add_argument("repository", help="on GitHub, OWNER/REPO")
    checking = commands.add_parser("check")
    checking.add_argument("--folder", help="where to make the environment; a temporary one if not given")
    checking.add_argument("--linked", action="store_true", help="packages from here, if they are the pinned versions")
    given = parser.parse_args()
    if given.command == "pins":
        (FOLDER / "requirements.txt").write_text(requirements(), encoding="utf-8")
    elif given.command == "links":
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", given.repository):
            give_up(f"a repository is written OWNER/REPO, not {given.repository!r}")
        for name, address in links(given.repository).items():
            print(f"{name:28} {address}")
    else:
        with tempfile.TemporaryDirectory(prefix="dnnexplain-binder-") as temporary:
            figures = check(Path(given.folder or temporary), linked=given.linked)
        print(json.dumps(figures, indent=1))


# --- pins ---------------------------------------------------------------------------------------


def requirements() -> str:
    """The text of ``binder/requirements.txt``."""
    pins = _pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    lines = [HEAD + f"--extra-index-url {TORCH_INDEX}"]
    for name in sorted(closure()):
        if name not in pins:
            give_up(f"constraints.txt has no tested version of {name}; add it and run again.")
        lines.append(f"{name}=={pins[name]}" + ("+cpu" if name == "torch" else ""))
    return "\n".join(lines) + "\n"


def closure() -> set[str]:
    """Normalised names of all that dnnexplain[widgets] needs on Linux, read from what is installed here."""
    from importlib.metadata import requires  # noqa: PLC0415

    from packaging.requirements import Requirement  # noqa: PLC0415

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["widgets"]]
    reached: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while waiting:
        item = waiting.pop()
        name = _normal(item.name)
        for extra in ("", *item.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            reached.add(name)
            for text in requires(name) or []:
                more = Requirement(text)
                if more.marker is None or more.marker.evaluate({"extra": extra, "sys_platform": "linux"}):
                    waiting.append(more)
    return {name for name in reached if not name.startswith(("nvidia-", "cuda-")) and name != "triton"}


def _pins(text: str) -> dict[str, str]:
    pairs = (line.split("==") for line in text.splitlines() if "==" in line and not line.startswith("#"))
    return {_normal(name): version.split(";")[0].strip() for name, version in pairs}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


# --- links --------------------------------------------------------------------------------------


def links(repository: str, ref: str = "HEAD") -> dict[str, str]:
    """Addresses on mybinder.org by name: JupyterLab, the dashboard, and each lesson as a page."""
    base = f"https://mybinder.org/v2/gh/{repository}/{ref}?urlpath="
    addresses = {"JupyterLab": base + quote("lab/tree/notebooks", safe="")}
    pages = {"dashboard": "dnnexplain/app/dashboard.ipynb"}
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"), key=lambda path: _in_order(path.stem))
    pages |= {path.stem: f"notebooks/{path.name}" for path in lessons}
    return addresses | {name: base + quote(f"voila/render/{path}", safe="") for name, path in pages.items()}


def _in_order(name: str) -> tuple[float, str]:
    """Lesson 10 comes after lesson 9, and what has no number after all that have."""
    number = re.match(r"\d+", name)
    return (float(number.group()) if number else float("inf"), name)


# --- check --------------------------------------------------------------------------------------


def check(folder: Path, *, linked: bool = False) -> dict[str, float | str | bool]:
    """Follow the folder's steps in a fresh environment: pins, postBuild, and a kernel behind ``start``.

    Args:
        folder: the environment is made here.
        linked: take the pinned packages, and no others, from the environment that runs this where it has all of them in
            these versions, and the project's compiled functions where its files are the same: a minute and three
            quarters of CPU time less than to install and to compile them (and a kernel that compiled nothing is smaller).

    Returns:
        ``python_gb``: size of the environment; ``kernel_gb``: memory of a kernel with the dashboard (what it does
        not share with others); ``fits``: whether that is within a session on mybinder.org; ``torch``: its version.
    """
    python = venv_python(folder)
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    if not (linked and _linked(folder)):
        _install(folder, python)
    source = folder / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "site", "build", "node_modules")
    )
    environment = {
        **os.environ,
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "NB_PYTHON_PREFIX": str(folder),
    }
    environment.pop("PYTHONPATH", None)
    _run(["bash", "binder/postBuild"], source, environment)
    if linked:
        _bring_compiled(folder)
    _run([str(python), "-m", "pip", "check", "--disable-pip-version-check"])
    report = _run(
        ["bash", str(source / "binder" / "start"), str(python), str(Path(__file__).with_name("binder_kernel.py"))],
        source / "notebooks",
        environment,
    )
    kernel = json.loads(report.strip().splitlines()[-1])
    size = sum(path.lstat().st_size for path in (folder / "lib").rglob("*") if path.is_file() and not path.is_symlink())
    return {"python_gb": round(size / 1e9, 2), "fits": kernel["kernel_gb"] < LIMIT_GB, **kernel}


def _install(folder: Path, python: Path) -> None:
    """What Binder does with the pins."""
    text = (FOLDER / "requirements.txt").read_text(encoding="utf-8")
    if not reachable(TORCH_HOST):
        say(f"{TORCH_HOST} is out of reach: torch is taken from pip's own sources.")
        text = text.replace("+cpu", "").replace(f"--extra-index-url {TORCH_INDEX}\n", "")
    pins = folder / "requirements.txt"
    pins.write_text(text, encoding="utf-8")
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pins)])


def _linked(folder: Path) -> bool:
    """Put the files of the packages that the pins name into the environment, as they lie here; False if one differs."""
    lines = (FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    try:
        packages = [distribution(name) for name in pins]
    except PackageNotFoundError:
        return False
    if any(package.version != pin for package, pin in zip(packages, pins.values(), strict=True)):
        return False
    target = _purelib(folder)
    for file in (file for package in packages for file in package.files or ()):
        here, there = Path(str(file.locate())), Path(os.path.normpath(target / file))
        if there.is_relative_to(folder / "bin") or not here.is_file():
            continue  # commands begin with the path of their own interpreter
        there.parent.mkdir(parents=True, exist_ok=True)
        there.unlink(missing_ok=True)
        _link_or_copy(here, there, link=there.is_relative_to(target))
    return True


def _bring_compiled(folder: Path) -> None:
    """Copy what Numba has compiled here to the installed project's files that are the same."""
    installed = _purelib(folder)
    for cache in {index.parent for index in (ROOT / "dnnexplain").rglob("*.nbi")}:
        target = installed / cache.relative_to(ROOT)
        target.mkdir(parents=True, exist_ok=True)
        for source in cache.parent.glob("*.py"):
            copy = target.parent / source.name
            if copy.is_file() and copy.read_bytes() == source.read_bytes():
                os.utime(copy, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))  # Numba looks at it
        for file in (*cache.glob("*.nbi"), *cache.glob("*.nbc")):
            shutil.copy2(file, target / file.name)


def _purelib(folder: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))


def _link_or_copy(here: Path, there: Path, *, link: bool) -> None:
    """Settings, which somebody may write into, are copied; and so is all that lies on another disk."""
    if link:
        with suppress(OSError):
            os.link(here, there)
            return
    shutil.copy2(here, there)


def _run(command: list[str], folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason was given"]
        give_up(f"{' '.join(command[:4])} failed: {lines[-1]}")
    return done.stdout


if __name__ == "__main__":
    main()
