"""The page's part of the panels: build it, check it. What is built ships, so a user needs no Node.

python -m tools.page build    build what ships, from widgets/page (make page)
python -m tools.page check    what was built is up to date; with Node: its lint and types
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from dnnexplain.charts.look import SIGNED
from tools.machine import give_up, say

__all__ = ["BUILT", "COLOURS", "SOURCES", "colours", "install", "main", "node", "run", "stale", "stamp"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "widgets" / "page"
SOURCES = ("src", "tools", "package-lock.json")
"""What decides what is built, below widgets/page."""

BUILT = tuple(
    ROOT / name
    for name in (
        *(
            f"widgets/dnnexplain_widgets/web/dist/{name}.js"
            for name in ("dashboard", "exercise", "explorable", "frame")
        ),
        "docs/_static/lesson.js",
    )
)
COLOURS = PAGE / "src" / "shared" / "signed.js"
"""The two colours of what is for and against, as the page's code has them; written by a build."""

OLDEST_NODE = (20, 19)
CHECKS = (("npx", "--no-install", "eslint", "--max-warnings", "0", "."), ("npx", "--no-install", "tsc"))


def main(arguments: list[str]) -> None:
    """Build or check; end with one line where that is not possible."""
    if arguments == ["build"]:
        COLOURS.write_text(colours(), encoding="utf-8")
        if (reason := install()) is not None:
            give_up(f"The page's code cannot be built: {reason}.")
        sys.exit(run("node", "tools/build.js").returncode)
    if arguments != ["check"]:
        give_up("Write: python -m tools.page build, or check.")
    if COLOURS.read_text(encoding="utf-8") != colours():
        give_up("The page's colours are not those of dnnexplain.charts.look. Build anew: make page")
    if old := stale():
        give_up(f"Built from other sources than those in widgets/page: {', '.join(old)}. Build anew: make page")
    if (reason := install()) is not None:
        say(f"The page's code is not checked: {reason}.")
        return
    for command in CHECKS:
        if run(*command).returncode:
            sys.exit(1)


def colours() -> str:
    """The page's module of the two colours, from :data:`dnnexplain.charts.look.SIGNED`."""
    rows = []
    for theme, sides in SIGNED.items():
        parts = {name: [int(hue[i : i + 2], 16) for i in (1, 3, 5)] for name, hue in sides.items()}
        rows.append(f"  {theme}: {{ positive: {parts['for']}, negative: {parts['against']} }},")
    head = "// What is for and against, per theme. Written by tools/page.py from dnnexplain/charts/look.py: change it there."
    return "\n".join([head, "", "export const SIGNED = {", *rows, "};", ""])


def stamp() -> str:
    """The digest of all sources that the first line of each built file must name (widgets/page/tools/build.js)."""
    files = [
        file for name in SOURCES for file in ((PAGE / name).rglob("*") if (PAGE / name).is_dir() else (PAGE / name,))
    ]
    paths = {file.relative_to(PAGE).as_posix(): file for file in files if file.is_file()}
    lines = (f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n" for name, file in sorted(paths.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stale() -> list[str]:
    """The built files that were built from other sources, or are missing."""
    now = f"sources {stamp()}"
    return [
        file.relative_to(ROOT).as_posix()
        for file in BUILT
        if not file.exists() or file.read_text(encoding="utf-8").partition("\n")[0].endswith(now) is False
    ]


def node() -> str | None:
    """Why Node cannot be used here, or ``None``."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        return "there is no Node with npm here"
    said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True).stdout
    match = re.match(r"v(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < OLDEST_NODE:
        return (
            f"Node {'.'.join(map(str, OLDEST_NODE))} or newer is needed, here is {said.strip() or 'none that answers'}"
        )
    return None


def install() -> str | None:
    """Bring the tools of package-lock.json, where they are not there yet; why that failed, or ``None``."""
    if (reason := node()) is not None:
        return reason
    done = PAGE / "node_modules" / ".installed"
    wanted = hashlib.sha256((PAGE / "package-lock.json").read_bytes()).hexdigest()
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return None
    say("npm brings the tools for the page's code (once)")
    made = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", quiet=True)
    if made.returncode:
        return f"npm could not bring its tools ({(made.stderr or made.stdout).strip()[-300:]})"
    done.write_text(wanted, encoding="utf-8")
    return None


def run(program: str, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program in widgets/page."""
    path = shutil.which(program)
    assert path is not None  # node() looked
    return subprocess.run([path, *arguments], cwd=PAGE, check=False, capture_output=quiet, text=True)


if __name__ == "__main__":
    main(sys.argv[1:])
