"""``dnnexplain app``: the dashboard in a browser."""

from __future__ import annotations

from pathlib import Path

import typer

from dnnexplain.cli.output import examples
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import Discrete
from dnnexplain.finding import find

__all__ = ["register"]


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = (
        "dnnexplain app",
        f"dnnexplain app {DEFAULT_SYSTEM} --policy my-network.safetensors --port 8900 --no-browser",
        f"dnnexplain app {DEFAULT_SYSTEM} --policy default --guard guard.json",
    )
    app.system_command("app", open_app, epilog=examples(*shown), guarded=True, defaults="board")


def open_app(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    port: int | None = typer.Option(None, help="Port to serve on; a free one if not given.", show_default=False),
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open the page in a browser."),
    policy: str | None = typer.Option(
        None,
        help="What is explained first: a file of weights, a shipped network, untrained, or a rule.",
        show_default=False,
    ),
    base_url: str | None = typer.Option(
        None, "--base-url", help="Path below which a proxy serves this; found under JupyterHub.", show_default=False
    ),
    allow_host: list[str] = typer.Option([], "--allow-host", help="A name a proxy passes on as Host; repeat."),
    kernel_memory: int | None = typer.Option(
        None,
        min=700,
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
    settings: dict[str, object] = {"system": system, **options.system}
    if policy is not None:
        file = Path(policy)
        settings["policy"] = str(file.resolve()) if file.suffix or file.exists() else policy
    if options.guard is not None:
        settings["guard"] = str(options.guard.resolve())
    check(settings)
    own = is_own(ip)
    served = server_options(remote=not own, token="" if own else new_token(), most=room_for(memory_megabytes()))
    served |= {"hosts": allow_host, "memory": kernel_memory or int(0.7 * memory_megabytes())}
    say = "The dashboard is at {url} (Ctrl-C ends it)."
    run_server(
        NOTEBOOK,
        port=port,
        ip=ip,
        options=served,
        settings=settings,
        say=say,
        browser=browser,
        served=not own,
        base_url=base_url,
    )


def check(settings: dict[str, object]) -> None:
    """Try the system and the network before a server starts, so that a mistake is said here and at once."""
    from dnnexplain.policies import load_for, load_shipped, shipped_roles

    meaning = find(str(settings["system"]))
    spec = meaning.spec
    given = {key: value for key, value in settings.items() if key not in {"system", "policy", "guard"}}
    system = meaning.make(**{**spec.board, **given})
    if "guard" in settings:
        from dnnexplain.app import dashboard_parts

        dashboard_parts(**settings)  # type: ignore[arg-type]
    elif str(settings.get("policy", "")) in system.rules():
        return
    elif "policy" in settings:
        load_for(system, str(settings["policy"]))
    elif spec.roles and not shipped_roles(system) and isinstance(system.output, Discrete):
        load_shipped(system)
