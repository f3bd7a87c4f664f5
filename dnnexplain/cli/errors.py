"""Every failure of a command is one clear sentence on stderr and an exit code; never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from dnnexplain.contract import DnnExplainError
from dnnexplain.files import reason

__all__ = ["BUG", "INTERRUPTED", "MISTAKE", "run", "sentence"]

MISTAKE, BUG, INTERRUPTED, PIPE_CLOSED = 2, 1, 130, 141
DEBUG = "DNNEXPLAIN_DEBUG"

EXTRAS = {
    "anywidget": "widgets",
    "bqplot": "widgets",
    "cma": "bench",
    "dask": "dask",
    "distributed": "dask",
    "ipywidgets": "widgets",
    "jupyterlab": "widgets",
    "matplotlib": "bench",
    "nbclient": "test",
    "playwright": "test",
    "voila": "widgets",
}
"""Which extra of the project brings a library that a command may miss."""


def run(make_app: Callable[[], typer.Typer], arguments: Sequence[str] | None = None) -> int:
    """Run a command line; what it raises becomes a sentence and an exit code.

    Set the environment variable DNNEXPLAIN_DEBUG to see the traceback instead.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command: Any = get_command(make_app())
        with command.make_context("dnnexplain", given) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        _silence_stdout()
        return PIPE_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        _say("Interrupted.")
        return INTERRUPTED
    except SystemExit as end:
        return _code(end)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        words = sentence(error)
        if words is None:
            _say(f"Error: this should not happen, {_named(error)}; set {DEBUG}=1 to see where, and report it.")
            return BUG
        _say(f"Error: {words}")
        return MISTAKE
    return 0


def sentence(error: BaseException) -> str | None:
    """What a mistake of the user's or a refusal of the machine's is called; ``None`` for a bug of ours."""
    if isinstance(error, TyperException):
        return _usage(error)
    if isinstance(error, DnnExplainError):
        words = str(error)
    elif isinstance(error, OSError):
        words = _os_error(error)
    elif isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in EXTRAS:
        library = (error.name or "").partition(".")[0]
        words = f"this needs {library}, which is not installed: pip install 'dnnexplain[{EXTRAS[library]}]'"
    elif isinstance(error, MemoryError):
        words = "not enough memory; ask for less at a time (fewer sets, a smaller budget, fewer jobs)"
    else:
        return None
    return _one_line(words)


def _usage(error: TyperException) -> str:
    words = _one_line(error.format_message())
    context = getattr(error, "ctx", None)
    return words if context is None else f"{words.rstrip('.')}; see {context.command_path} --help."


def _os_error(error: OSError) -> str:
    where = error.filename if error.filename is not None else "the system"
    if error.errno == errno.EADDRINUSE:
        return f"the port is in use by another program ({error.strerror}); choose another with --port"
    if isinstance(error, ConnectionError | TimeoutError) and error.filename is None:
        return f"the other side does not answer: {reason(error)}"
    return f"{where}: {reason(error)}"


def _named(error: BaseException) -> str:
    return _one_line(f"{type(error).__name__}: {error}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    _say(f"Error: {_one_line(str(end.code))}")
    return MISTAKE


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _silence_stdout() -> None:
    """Nobody reads on (``| head``): let the interpreter flush into nothing at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
