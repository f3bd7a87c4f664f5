"""``dnnexplain lab``: the notebooks, or a first one, in JupyterLab."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import typer

from dnnexplain.cli.files import existing_folder
from dnnexplain.cli.output import examples
from dnnexplain.contract import DnnExplainError

__all__ = ["lab_command", "register", "starter"]

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
    from dnnexplain.app.ports import free_port, release
    from dnnexplain.app.server import environment, needs

    needs("jupyterlab")
    where = existing_folder(folder if folder is not None else _default_folder())
    opened = next(iter(sorted(where.glob("*.ipynb"))), None)
    if opened is None:
        opened = starter(where)
    chosen = free_port(port)
    try:
        code = _run(lab_command(where, opened, chosen, browser=browser), environment({}))
    finally:
        release(chosen)
    raise typer.Exit(code)


def _run(command: list[str], variables: dict[str, str]) -> int:
    """Run a server until it ends, or until this command is asked to: then the server is ended, too."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    process = subprocess.Popen(command, env=variables)  # noqa: S603 - our own interpreter
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)


def lab_command(where: Path, opened: Path, port: int, *, browser: bool) -> list[str]:
    """JupyterLab's command line: on a notebook in a folder, at a port; as root too, as the other commands are."""
    command = [sys.executable, "-m", "jupyter", "lab", str(where), f"--LabApp.default_url=/lab/tree/{opened.name}"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.tornado_settings={{'websocket_max_message_size':{LARGEST_MESSAGE}}}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # Jupyter ends otherwise; in a container there often is nobody else
    if not browser:
        command.append("--no-browser")
    return command


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
