"""``dnnexplain export``: an explorable, one HTML file that needs no kernel and no network; or a program of the system's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from dnnexplain.cli.files import atomic_write, check_writable
from dnnexplain.cli.output import examples
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import DnnExplainError
from dnnexplain.contract.specs import load_reference

__all__ = ["register"]

_SUFFIXES = (".html", ".htm")


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = (
        f"dnnexplain export {DEFAULT_SYSTEM} page.html",
        f"dnnexplain export {DEFAULT_SYSTEM} page.html --policy my-network.safetensors --state state.json --title 'My network'",
    )
    app.system_command("export", export, epilog=examples(*shown))


def export(
    system: str = typer.Argument(..., help=SYSTEM_HELP),
    page: Path = typer.Argument(
        ..., help="The HTML file to write; or a file with an ending that the system has a program for."
    ),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network or a weights file."),
    state: Path | None = typer.Option(None, help="Where the page starts, a JSON file.", show_default=False),
    title: str | None = typer.Option(None, help="The page's heading.", show_default=False),
) -> None:
    """Write a page in which anyone can explore a network: the network runs in the page itself.

    Opened from disk or put on any web server; it asks nothing of the network. Some systems also write a network as a
    program for what it controls: with the ending .dash.js, a custom rule of the video player dash.js.
    """
    program = next(
        (
            network_export
            for ending, network_export in options.spec.network_exports.items()
            if page.name.endswith(ending)
        ),
        "",
    )
    if program:
        _write_program(page, program, options, policy, {"--state": state, "--title": title})
        return
    if page.suffix.lower() not in _SUFFIXES:
        others = "".join(f", or in {ending} for a program" for ending in options.spec.network_exports)
        msg = f"{page} must end in .html, so that a browser opens it{others}"
        raise DnnExplainError(msg)
    from dnnexplain.app.explorable import write_explorable

    own = options.factory is not None
    of, parameters = (options.make(), {}) if own else (system, dict(options.system))
    size = write_explorable(page, of, policy=policy, state=state, title=title, **parameters)
    typer.echo(f"Wrote {page}, {size / 1e3:,.0f} kB. Open it in any browser; it needs no server and no network.")


def _write_program(page: Path, program: str, options: SystemOptions, policy: str, strange: Mapping[str, Any]) -> None:
    """A network as the system's own program."""
    for option, given in strange.items():
        if given is not None:
            msg = f"{option} is for a page; {page.name} is a program, which has none"
            raise DnnExplainError(msg)
    from dnnexplain.explain.networks.plain import plain_network
    from dnnexplain.policies import named_policy

    check_writable(page)
    world: Any = options.make_for(policy)
    text = load_reference(program)(world, plain_network(world, named_policy(world, policy)))
    with atomic_write(page) as file:
        file.write(text)
    typer.echo(f"Wrote {page}, {len(text) / 1e3:,.0f} kB. Its first lines say how it is used.")
