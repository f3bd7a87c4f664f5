"""Every failure of a command is one clear sentence on stderr and an exit code; never a traceback."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from dnnexplain.cli.interrupts import Stop, heard
from dnnexplain.cli.keeping import nothing_kept
from dnnexplain.cli.network_options import add_network_options, begin_command, say_assumed
from dnnexplain.cli.number_options import check_numbers
from dnnexplain.contract import DnnExplainError
from dnnexplain.contract.errors import shortened
from dnnexplain.files import reason
from dnnexplain.memory import ran_out, why_no_memory

__all__ = ["BUG", "INTERRUPTED", "MISTAKE", "run", "sentence"]

MISTAKE, BUG, INTERRUPTED, PIPE_CLOSED = 2, 70, 130, 141  # 70: EX_SOFTWARE; 1 is what Python itself ends with
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


def run(
    make_app: Callable[..., typer.Typer],
    arguments: Sequence[str] | None = None,
    *,
    read: Callable[[Sequence[str]], list[str]] | None = None,
) -> int:
    """Run a command line; what it raises becomes a sentence and an exit code.

    Args:
        make_app: makes the commands; of the command line, where ``read`` is given.
        arguments: the command line; by default the process's own.
        read: makes of a command line the one that is meant.

    Set the environment variable DNNEXPLAIN_DEBUG to see the traceback instead.
    """
    _have_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    with heard() as stop:
        return _run(make_app, given, read, stop)


def _run(
    make_app: Callable[..., typer.Typer],
    given: list[str],
    read: Callable[[Sequence[str]], list[str]] | None,
    stop: Stop,
) -> int:
    begun = time.time()
    try:
        if read is not None:
            given = read(given)
        _refuse_empty(given)
        command: Any = get_command(make_app() if read is None else make_app(given))
        begin_command()
        add_network_options(command)
        check_numbers(command)
        with command.make_context("dnnexplain", list(given)) as context:  # it takes words out
            command.invoke(context)
        say_assumed()
        sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        _silence_stdout()
        return PIPE_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        _say(f"Interrupted.{nothing_kept(given, begun)}")
        return stop.code or INTERRUPTED
    except BaseException as error:  # also a SystemExit of a file that was loaded: no command of ours raises one
        if os.environ.get(DEBUG):
            raise
        return _failed(error)
    return 0


def _refuse_empty(given: Sequence[str]) -> None:
    """An empty word names nothing; as a path it would be the folder that one is in."""
    for place, word in enumerate(given):
        if not word.strip():
            before = given[place - 1] if place else "the command"
            msg = f"after {before} stands an empty value ({word!r}): give one, or leave both out"
            raise DnnExplainError(msg)


def _failed(error: BaseException) -> int:
    """Say what went wrong in one sentence; the exit code."""
    words = sentence(error)
    if words is None:
        _say(f"Error: this should not happen, {_named(error)}; please report it with {_traceback_file(error)}.")
        return BUG
    _say(f"Error: {words}")
    if isinstance(error, OSError) and not _can_write():
        _silence_stdout()
    return MISTAKE


def sentence(error: BaseException) -> str | None:
    """What a mistake of the user's or a refusal of the machine's is called; ``None`` for a bug of ours."""
    if isinstance(error, TyperException):
        return _usage(error)
    if isinstance(error, DnnExplainError):
        words = str(error)
    elif ran_out(error):
        words = why_no_memory()
    elif isinstance(error, OSError):
        words = _os_error(error)
    elif isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in EXTRAS:
        library = (error.name or "").partition(".")[0]
        words = f"this needs {library}, which is not installed: pip install 'dnnexplain[{EXTRAS[library]}]'"
    elif isinstance(error, SystemExit):
        words = _ended_from_within(error)
    else:
        return None
    return _one_line(words)


def _usage(error: TyperException) -> str:
    words = _belongs(getattr(error, "option_name", "")) or _one_line(error.format_message())
    context = getattr(error, "ctx", None)
    return words if context is None else f"{words.rstrip('.')}; see {context.command_path} --help."


def _belongs(option: str) -> str:
    """Whose an option is that the named system does not have; empty if it is nobody's."""
    from dnnexplain.registry import specs

    name = option.lstrip("-").replace("-", "_")
    whose = (
        [spec.name for spec in specs().values() if name in {parameter.name for parameter in spec.parameters}]
        if name
        else []
    )
    return f"{option} belongs to {' and '.join(whose)}; name that system to use it" if whose else ""


def _os_error(error: OSError) -> str:
    where = error.filename if error.filename is not None else "what is printed to"
    if error.errno == errno.EADDRINUSE:
        return f"the port is in use by another program ({error.strerror}); choose another with --port"
    if isinstance(error, ConnectionError | TimeoutError) and error.filename is None:
        return f"the other side does not answer: {reason(error)}"
    return f"{where}: {reason(error)}"


def _named(error: BaseException) -> str:
    return _one_line(f"{type(error).__name__}: {error}")


def _one_line(text: str) -> str:
    return shortened(" ".join(text.split()))


def _ended_from_within(end: SystemExit) -> str:
    """A program's code is the command's own, so that nobody takes a half-done command for a done one."""
    said = "" if end.code is None or isinstance(end.code, int) else f", saying {_one_line(str(end.code))!r}"
    return f"code that was loaded ended the program{said} before the command was done; take sys.exit out of that file"


def _traceback_file(error: BaseException) -> str:
    """A new file that holds where it happened, or what to do where none can be written."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="dnnexplain-error-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.writelines(traceback.format_exception(error))
            return file.name
    except OSError:
        return f"what {DEBUG}=1 shows"


def _say(text: str) -> None:
    with suppress(OSError):  # nobody listens
        typer.echo(text, err=True)


def _have_streams() -> None:
    """Give a program that was started with its output closed (``>&-``) one to write into nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - to the very end


def _can_write() -> bool:
    """Whether what was printed arrives; a full disk keeps it in the buffer, and the interpreter's end would fail."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _silence_stdout() -> None:
    """Nobody reads on (``| head``): let the interpreter flush into nothing at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
