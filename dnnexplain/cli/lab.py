"""``dnnexplain lab``: the notebooks, or a first one, in JupyterLab."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import typer

from dnnexplain.cli.output import examples
from dnnexplain.contract import DnnExplainError

__all__ = ["register", "starter"]

LARGEST_MESSAGE = 64 * 2**20
"""Bytes of a message from the page, as for served pages: a network may be brought as a file."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lab", epilog=examples("dnnexplain lab", "dnnexplain lab my-notebooks --port 8900 --no-browser"))(
        open_lab
    )


def open_lab(
    folder: Path | None = typer.Argument(None, help="Folder to open; ./notebooks, else here.", show_default=False),
    *,
    port: int | None = typer.Option(None, help="Port to serve on; a free one if not given.", show_default=False),
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open JupyterLab in a browser."),
) -> None:
    """Open JupyterLab on the notebooks; where there are none, on a starter notebook that shows the dashboard."""
    from dnnexplain.app.server import environment, free_port, needs

    needs("jupyterlab")
    where = folder if folder is not None else _default_folder()
    if not where.is_dir():
        msg = f"there is no folder {where}; give one that exists"
        raise DnnExplainError(msg)
    opened = next(iter(sorted(where.glob("*.ipynb"))), None)
    if opened is None:
        opened = starter(where)
    command = [sys.executable, "-m", "jupyter", "lab", str(where), f"--LabApp.default_url=/lab/tree/{opened.name}"]
    command += [f"--ServerApp.port={free_port(port)}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.tornado_settings={{'websocket_max_message_size':{LARGEST_MESSAGE}}}"]
    if not browser:
        command.append("--no-browser")
    try:
        code = subprocess.run(command, env=environment({}), check=False).returncode  # noqa: S603 - our own interpreter
    except KeyboardInterrupt:
        code = 0
    raise typer.Exit(code)


def _default_folder() -> Path:
    here = Path("notebooks")
    return here if here.is_dir() else Path()


def starter(folder: Path) -> Path:
    """A first notebook in a folder: the dashboard's own, copied so that it can be changed.

    Raises:
        DnnExplainError: the folder cannot be written to.
    """
    from dnnexplain.app import NOTEBOOK

    target = folder / "dnnexplain-start.ipynb"
    try:
        shutil.copyfile(NOTEBOOK, target)
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror or error}; give another folder: dnnexplain lab FOLDER"
        raise DnnExplainError(msg) from None
    return target
