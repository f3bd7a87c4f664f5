"""``dnnexplain app``: the dashboard in a browser."""

from __future__ import annotations

from pathlib import Path

import typer

from dnnexplain.cli.output import examples
from dnnexplain.contract import Choice

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = (
        "dnnexplain app",
        "dnnexplain app --system routing",
        "dnnexplain app --slots 10 --policy my-network.safetensors --port 8900 --no-browser",
    )
    app.command("app", epilog=examples(*shown))(open_app)


def open_app(
    *,
    port: int | None = typer.Option(None, help="Port to serve on; a free one if not given.", show_default=False),
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open the page in a browser."),
    policy: Path | None = typer.Option(None, help="A file of weights to explain first.", show_default=False),
    system: str = typer.Option("deeprm", help="deeprm or routing."),
    slots: int = typer.Option(5, help="deeprm: waiting jobs that the network sees."),
    topology: str = typer.Option(
        "abilene", help="routing: a built-in topology, a name of topohub, or a .graphml file."
    ),
    base_url: str | None = typer.Option(
        None, "--base-url", help="Path below which a proxy serves this; found under JupyterHub.", show_default=False
    ),
    allow_host: list[str] = typer.Option([], "--allow-host", help="A name a proxy passes on as Host; repeat."),
    kernel_memory: int | None = typer.Option(
        None,
        help="MB that each Python process may take (Linux); seven tenths of this machine's if not given.",
        show_default=False,
    ),
    ip: str = typer.Option("127.0.0.1", help="Address to listen on; any but this machine's own asks for a token."),
) -> None:
    """Open the dashboard: drag a job, and see what the network decides and why.

    The page is served on this machine only, unless --ip says otherwise. Ctrl-C ends it. For several dashboards
    and people: dnnexplain serve.
    """
    from dnnexplain.app import NOTEBOOK
    from dnnexplain.app.places import memory_megabytes, room_for
    from dnnexplain.app.server import is_own, needs, new_token, run_server, server_options

    needs("voila")
    own_parameters: dict[str, dict[str, object]] = {"deeprm": {"slots": slots}, "routing": {"topology": topology}}
    if system not in own_parameters:
        raise Choice("system with a dashboard", system, tuple(own_parameters)).error()
    settings: dict[str, object] = {"system": system, **own_parameters[system]}
    if policy is not None:
        settings["policy"] = str(policy.resolve()) if policy.suffix or policy.exists() else str(policy)
    check(settings)
    own = is_own(ip)
    options = server_options(remote=not own, token="" if own else new_token(), most=room_for(memory_megabytes()))
    options |= {"hosts": allow_host, "memory": kernel_memory or int(0.7 * memory_megabytes())}
    say = "The dashboard is at {url} (Ctrl-C ends it)."
    run_server(
        NOTEBOOK,
        port=port,
        ip=ip,
        options=options,
        settings=settings,
        say=say,
        browser=browser,
        served=not own,
        base_url=base_url,
    )


def check(settings: dict[str, object]) -> None:
    """Try the system and the network before a server starts, so that a mistake is said here and at once."""
    if settings["system"] == "routing":
        from dnnexplain.app import dashboard_parts

        dashboard_parts(**settings)  # type: ignore[arg-type]
        return
    from dnnexplain.policies import load_any, shipped
    from dnnexplain.systems import make_system

    system = make_system("deeprm", slots=settings["slots"])
    if "policy" in settings:
        load_any(str(settings["policy"]), system)
    elif not shipped(system):
        from dnnexplain.policies import load_shipped

        load_shipped(system)
