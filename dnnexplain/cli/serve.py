"""``dnnexplain serve``: the gallery of dashboards and lessons, for several people."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer

from dnnexplain.cli.files import existing_folder
from dnnexplain.cli.output import examples
from dnnexplain.contract import DnnExplainError

__all__ = ["SERVED_MEMORY", "register"]

SERVED_MEMORY = 2000
"""MiB that the kernel of a page for somebody else may take; an opened dashboard needs about 600."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = ("dnnexplain serve", "dnnexplain serve --ip 0.0.0.0 --port 8900 --kernels 12 --idle 10 --no-browser")
    app.command("serve", epilog=examples(*shown))(serve)


def serve(
    *,
    port: int | None = typer.Option(None, help="Port to serve on; a free one if not given.", show_default=False),
    ip: str = typer.Option("127.0.0.1", help="Address to listen on; any but this machine's own asks for a token."),
    kernels: int | None = typer.Option(
        None, help="Pages at once; as many as memory allows if not given.", show_default=False
    ),
    warm: int = typer.Option(1, help="Python processes kept ready for each dashboard."),
    idle: float = typer.Option(10.0, help="Minutes after which a page that nobody has open is ended."),
    notebooks: Path | None = typer.Option(
        None, help="Folder of lessons; ./notebooks if there is one.", show_default=False
    ),
    base_url: str | None = typer.Option(
        None, "--base-url", help="Path below which a proxy serves this; found under JupyterHub.", show_default=False
    ),
    allow_host: list[str] = typer.Option([], "--allow-host", help="A name a proxy passes on as Host; repeat."),
    kernel_memory: int | None = typer.Option(
        None, help="MB that each Python process may take (Linux); 2000 if not given.", show_default=False
    ),
    token: bool = typer.Option(False, "--token", help="Ask for a token also on this machine only."),
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open the gallery in a browser."),
) -> None:
    """Serve all dashboards and lessons, with a gallery to choose from.

    Each page has a Python process of its own; how many there may be is limited. Set DNNEXPLAIN_TOKEN to choose the
    token yourself. docs/operating.md says what is exposed. Ctrl-C ends it.
    """
    from dnnexplain.app.gallery import write_site
    from dnnexplain.app.places import memory_megabytes, room_for
    from dnnexplain.app.server import is_own, needs, new_token, run_server, server_options

    needs("voila")
    folder = notebooks if notebooks is not None else Path("notebooks")
    if notebooks is not None:
        existing_folder(folder, "give one that exists, or leave --notebooks out")
    for name, value, least in (
        ("--kernels", kernels, 1),
        ("--warm", warm, 0),
        ("--idle", idle, 0.5),
        ("--kernel-memory", kernel_memory, 700),
    ):
        if value is not None and value < least:
            msg = f"{name} must be at least {least:g}, not {value:g}"
            raise DnnExplainError(msg)
    most = kernels if kernels is not None else room_for(memory_megabytes())
    secret = new_token() if token or not is_own(ip) else ""
    options = server_options(remote=not is_own(ip), token=secret, most=most, warm=warm, idle=idle)
    options |= {"hosts": allow_host, "memory": SERVED_MEMORY if kernel_memory is None else kernel_memory}
    with tempfile.TemporaryDirectory(prefix="dnnexplain-") as root:
        write_site(Path(root), folder if folder.is_dir() else None)
        say = f"The gallery is at {{url}} (at most {most} pages at once; Ctrl-C ends it)."
        run_server(
            Path(root),
            port=port,
            ip=ip,
            options=options,
            settings={},
            say=say,
            browser=browser,
            served=True,
            base_url=base_url,
        )
