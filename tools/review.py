"""Pictures of every panel for a review: ``python -m tools.review [--out DIR] [--empty] [--only WORD] [SYSTEM ...]``, part of ``make pictures``.

Each panel of each system's dashboard is taken empty, while it works, and with its answer (or its failure), on a laptop and on
a phone, light and dark; ``index.html`` puts them side by side. axe looks at every state and the browser's console is read;
anything serious of axe and any error or warning of the console ends the command with code 1. ``--empty`` takes no answers, which takes a minute for each system instead of ten; ``--only`` takes the panels whose names
have a word.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from dnnexplain.counts import counted
from dnnexplain.registry import BUILT_IN
from tools import browser
from tools.pictures import served

__all__ = ["main"]

OUT = Path(__file__).parent.parent / "site" / "pictures"
WIDTHS = {"laptop": (1280, 800), "phone": (390, 844)}
THEMES = ("light", "dark")
TALLEST = 6000  # px of a picture
ANSWER = 120_000  # ms that an answer may take; a panel that works longer is taken while it does
_FOREIGN = re.compile(
    r"shared (singleton )?module @jupyter|Available versions"
)  # versions of JupyterLab's parts in Voila
_BUSY = "(one) => one.querySelector('.dx-busy')?.checkVisibility() ?? false"
_AXE = """
async (one) => (await axe.run(one, { resultTypes: ["violations"] })).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => `${found.id}: ${found.help} at ${found.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`)
"""


@dataclass(frozen=True)
class Look:
    """Where pictures go, of which panels, and in how many looks."""

    out: Path
    only: str = ""
    fast: bool = False

    @property
    def widths(self) -> dict[str, tuple[str, ...]]:
        """For each theme the widths."""
        return {"light": ("laptop",), "dark": ("phone",)} if self.fast else dict.fromkeys(THEMES, tuple(WIDTHS))


def main(arguments: list[str]) -> int:
    """Take the pictures; 1 if axe found something serious or the console has an error or a warning."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("systems", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--empty", action="store_true", help="Take no answers.")
    parser.add_argument("--fast", action="store_true", help="A laptop in light and a phone in dark alone, without axe.")
    parser.add_argument("--only", default="", help="A word in the names of the panels to take.")
    given = parser.parse_args(arguments)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an extra

    problems: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=["--no-sandbox", "--disable-gpu"])
        for system in given.systems:
            with served(system) as address:
                look = Look(given.out / system, only=given.only, fast=given.fast)
                problems += _review(chromium, address, look, answers=not given.empty)
        chromium.close()
    _index(given.out)
    sys.stdout.write(
        "\n".join(
            [*problems, f"{given.out / 'index.html'}: {counted(len(problems), 'finding')} of axe and the console"]
        )
        + "\n"
    )
    return 1 if problems else 0


def _review(chromium: Any, address: str, look: Look, *, answers: bool) -> list[str]:
    """All panels of one dashboard; what axe found and the console said."""
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    said = _console(page)
    page.goto(address, timeout=240_000)
    page.wait_for_selector("section.dx .dx-sentence:not(:empty)", timeout=240_000)
    page.wait_for_timeout(4000)
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    problems = []
    for tab in page.locator(".dx-sections [role=tab]").all():
        tab.click()
        page.wait_for_timeout(4000)
        page.screenshot(path=_folder(look.out) / f"{_file_name(tab.text_content() or '')}.png")
        for panel, name in _panels(page, look):
            problems += _taken(page, panel, name, "empty", look)
            if answers and panel.locator(".dx-strong:visible").count():
                problems += _answered(page, panel, name, look)
    page.context.close()
    return [f"{look.out.name}, {problem}" for problem in dict.fromkeys(problems + said)]


def _console(page: Any) -> list[str]:
    """A list that fills with the errors and warnings of a page's console."""
    said: list[str] = []
    page.on("console", lambda line: said.append(f"console, {line.type}: {line.text}") if line.type in ("error", "warning") and not _FOREIGN.search(line.text) else None)  # fmt: skip
    page.on("pageerror", lambda error: said.append(f"console, uncaught: {error}"))
    return said


def _folder(out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    return out


def _panels(page: Any, look: Look) -> Iterator[tuple[Any, str]]:
    """The panels that are seen and were not taken yet, with names for files."""
    for panel in page.locator("section.dx:visible").all():
        kind = panel.get_attribute("data-kind") or ""
        title = panel.locator(".dx-question").first.text_content() or ""
        name = _file_name(f"{kind} {title}")
        if look.only in name and not (look.out / name).is_dir():
            yield panel, name


def _file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]


def _answered(page: Any, panel: Any, name: str, look: Look) -> list[str]:
    """The panel while it works, and with its answer or its failure."""
    panel.locator(".dx-strong:visible").first.click()
    page.wait_for_timeout(400)
    problems = _taken(page, panel, name, "working", look) if panel.evaluate(_BUSY) else []
    handle = panel.element_handle()
    try:
        page.wait_for_function(f"(one) => !({_BUSY})(one)", arg=handle, timeout=ANSWER)
    except Exception:  # noqa: BLE001 - it works longer than a review can wait
        panel.get_by_role("button", name="Cancel").first.click()
        page.wait_for_timeout(2000)
    page.wait_for_timeout(800)
    failed = panel.locator(".dx-error:visible").count() > 0
    return problems + _taken(page, panel, name, "failed" if failed else "answered", look)


def _taken(page: Any, panel: Any, name: str, state: str, look: Look) -> list[str]:
    """A picture for each width and theme, and what axe says of each theme."""
    folder = _folder(look.out / name)
    strip = page.add_style_tag(content=".dx-decision-strip { visibility: hidden }")  # it lies over a window this tall
    problems = []
    for theme, widths in look.widths.items():
        page.emulate_media(color_scheme=theme)
        for width in widths:
            across, tall = WIDTHS[width]
            page.set_viewport_size({"width": across, "height": tall})
            page.wait_for_timeout(350)
            grown = min(int(panel.bounding_box()["height"]) + 80, TALLEST)  # what is taller than the window is cut off
            if grown > tall:
                page.set_viewport_size({"width": across, "height": grown})
                page.wait_for_timeout(350)
            panel.screenshot(
                path=folder / f"{state}-{width}-{theme}.png", timeout=ANSWER
            )  # a busy machine is slow to rest
        violations = [] if look.fast else panel.evaluate(_AXE)
        problems += [f"{name}, {state}, {theme}: {result}" for result in violations]
    strip.evaluate("(one) => one.remove()")
    page.emulate_media(color_scheme=THEMES[0])
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS["laptop"], strict=True)))
    page.wait_for_timeout(350)
    return problems


def _index(out: Path) -> None:
    """One page with all pictures, a row for each panel and state."""
    rows = []
    for folder in sorted(path for path in out.glob("*/*") if path.is_dir()):
        shown = [f'<a href="{item.relative_to(out)}"><img loading="lazy" src="{item.relative_to(out)}"></a>' for item in sorted(folder.glob("*.png"))]  # fmt: skip
        rows.append(f"<h2>{html.escape(folder.relative_to(out).as_posix())}</h2><p>{''.join(shown)}</p>")
    style = "body{font:14px system-ui;margin:24px}img{height:220px;margin:0 8px 8px 0;border:1px solid #ccc}"
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.html").write_text(f"<!doctype html><title>Panels</title><style>{style}</style>{''.join(rows)}\n", encoding="utf-8")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
