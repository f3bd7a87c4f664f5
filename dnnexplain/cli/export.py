"""``dnnexplain export``: an explorable, one HTML file that needs no kernel and no network."""

from __future__ import annotations

from pathlib import Path

import typer

from dnnexplain.cli.deeprm_options import SLOTS_HELP, only_deeprm
from dnnexplain.cli.output import examples
from dnnexplain.contract import DnnExplainError

__all__ = ["register"]

_SUFFIXES = (".html", ".htm")


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = (
        "dnnexplain export deeprm page.html",
        "dnnexplain export deeprm page.html --policy my-network.safetensors --state state.json --title 'My scheduler'",
    )
    app.command("export", epilog=examples(*shown))(export)


def export(
    system: str = typer.Argument(..., help="The system."),
    page: Path = typer.Argument(..., help="The HTML file to write."),
    *,
    policy: str = typer.Option("default", help="A shipped network (default, conv, as-published) or a weights file."),
    slots: int = typer.Option(5, help=SLOTS_HELP),
    state: Path | None = typer.Option(None, help="Where the page starts, a JSON file.", show_default=False),
    title: str | None = typer.Option(None, help="The page's heading.", show_default=False),
) -> None:
    """Write a page in which anyone can explore a network: the network runs in the page itself.

    Opened from disk or put on any web server; it asks nothing of the network.
    """
    only_deeprm(system)
    if page.suffix.lower() not in _SUFFIXES:
        msg = f"{page} must end in .html, so that a browser opens it"
        raise DnnExplainError(msg)
    from dnnexplain.app.explorable import write_explorable

    size = write_explorable(page, system, policy=policy, state=state, title=title, slots=slots)
    typer.echo(f"Wrote {page}, {size / 1e3:,.0f} kB. Open it in any browser; it needs no server and no network.")
