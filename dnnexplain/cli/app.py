"""``dnnexplain app``: the dashboard in a browser."""

from __future__ import annotations

import signal
import webbrowser
from pathlib import Path

import typer

from dnnexplain.cli.output import examples

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = ("dnnexplain app", "dnnexplain app --slots 10 --policy my-network.safetensors --port 8900 --no-browser")
    app.command("app", epilog=examples(*shown))(open_app)


def open_app(
    *,
    port: int | None = typer.Option(None, help="Port to serve on; a free one if not given.", show_default=False),
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open the page in a browser."),
    policy: Path | None = typer.Option(None, help="A file of weights to explain first.", show_default=False),
    slots: int = typer.Option(5, help="Waiting jobs that the network sees."),
) -> None:
    """Open the dashboard: drag a job, and see what the network decides and why.

    The page is served on this machine only. Ctrl-C ends it.
    """
    from dnnexplain.app.server import Server, environment, free_port, needs, voila_command

    needs("voila")
    chosen = free_port(port)
    settings = {"system": "deeprm", "slots": slots}
    if policy is not None:
        settings["policy"] = str(policy.resolve())
    check(settings)
    url = f"http://127.0.0.1:{chosen}/"
    typer.echo("Starting the dashboard ...", err=True)
    signal.signal(signal.SIGTERM, _interrupt)  # a server that outlived this command would hold the port
    server = Server(voila_command(chosen), environment(settings), f"{url}voila/static/voila.js")
    try:
        server.wait_until_ready()
        typer.echo(f"The dashboard is at {url} (Ctrl-C ends it).")
        if browser:
            webbrowser.open(url)
        server.wait()
    except KeyboardInterrupt:
        typer.echo("Ended.", err=True)
    finally:
        server.stop()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def check(settings: dict[str, object]) -> None:
    """Try the system and the network before a server starts, so that a mistake is said here and at once."""
    from dnnexplain.policies import load_any, shipped
    from dnnexplain.systems import make_system

    system = make_system("deeprm", slots=settings["slots"])
    if "policy" in settings:
        load_any(str(settings["policy"]), system)
    elif not shipped(system):
        from dnnexplain.policies import load_shipped

        load_shipped(system)
