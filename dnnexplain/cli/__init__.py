"""The command line: ``dnnexplain COMMAND``. One file per command, each with ``register(app)``.

A command's module is imported for ``dnnexplain --help``, so it imports torch, systems and widgets
only inside the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import typer

from dnnexplain import __version__
from dnnexplain.cli.errors import run
from dnnexplain.cli.optional_values import with_values
from dnnexplain.cli.project_file import expanded, find_project
from dnnexplain.cli.system_options import CommandLine, positional

__all__ = ["COMMANDS", "main", "make_app"]

COMMANDS = (
    "systems",
    "evaluate",
    "replay",
    "explain",
    "probe",
    "attack",
    "regions",
    "guard",
    "hypotheses",
    "transfer",
    "room",
    "generate",
    "stress",
    "worst_case",
    "prove",
    "distill",
    "train",
    "export",
    "app",
    "serve",
    "lab",
)
"""The modules of this package that hold commands, in the order of ``--help``. This is the only list."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's own) and return its exit code.

    0: done; 1: a limit that was stated is broken (stress); 2: a mistake in what was asked, said in one sentence on stderr; 130: Ctrl-C; 143: SIGTERM; 141: nobody
    reads on; 70: a bug of ours, said in one sentence that names the file with the traceback.
    """
    return run(make_app, arguments, read=_read)


def _read(arguments: Sequence[str]) -> list[str]:
    """A command line with older forms and a project's names put into what they stand for."""
    return expanded(positional(with_values(arguments)), find_project())


def make_app(arguments: Sequence[str] = ()) -> CommandLine:
    """The typer application with every command, for one command line: it has the options of the system named there."""
    app = CommandLine(
        arguments,
        name="dnnexplain",
        help="Why learned network controllers decide, when they fail, and what rules can add.",
        epilog="dnnexplain COMMAND --help shows an example of each.",
        add_completion=False,
        no_args_is_help=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_start)
    for name in COMMANDS:
        import_module(f"dnnexplain.cli.{name}").register(app)
    return app


def _start(
    context: typer.Context,
    *,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        typer.echo(f"dnnexplain {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
