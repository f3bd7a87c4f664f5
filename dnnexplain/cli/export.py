"""``dnnexplain export``: an explorable, one HTML file that needs no kernel and no network."""

from __future__ import annotations

from pathlib import Path

import typer

from dnnexplain.cli.output import examples
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import DnnExplainError

__all__ = ["register"]

_SUFFIXES = (".html", ".htm")


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = (
        f"dnnexplain export {DEFAULT_SYSTEM} page.html",
        f"dnnexplain export {DEFAULT_SYSTEM} page.html --policy my-network.safetensors --state state.json --title 'My scheduler'",
    )
    app.system_command("export", export, epilog=examples(*shown))


def export(
    system: str = typer.Argument(..., help=SYSTEM_HELP),
    page: Path = typer.Argument(..., help="The HTML file to write."),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network or a weights file."),
    state: Path | None = typer.Option(None, help="Where the page starts, a JSON file.", show_default=False),
    title: str | None = typer.Option(None, help="The page's heading.", show_default=False),
) -> None:
    """Write a page in which anyone can explore a network: the network runs in the page itself.

    Opened from disk or put on any web server; it asks nothing of the network.
    """
    if page.suffix.lower() not in _SUFFIXES:
        msg = f"{page} must end in .html, so that a browser opens it"
        raise DnnExplainError(msg)
    from dnnexplain.app.explorable import write_explorable

    own = options.factory is not None
    of, parameters = (options.make(), {}) if own else (system, dict(options.system))
    size = write_explorable(page, of, policy=policy, state=state, title=title, **parameters)
    typer.echo(f"Wrote {page}, {size / 1e3:,.0f} kB. Open it in any browser; it needs no server and no network.")
