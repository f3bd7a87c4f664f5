"""A command that answers several questions refuses an option of another question: it would be said and not be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.contract import DnnExplainError

__all__ = ["question_of", "refuse_others"]


def question_of(options: SystemOptions, questions: Sequence[str], usual: str) -> str:
    """Which of the options that each ask a question was given; ``usual`` if none was.

    Raises:
        DnnExplainError: two were.
    """
    given = [flag for flag in questions if flag in _flags(options)]
    if len(given) > 1:
        msg = f"{given[0]} and {given[1]} are two questions: ask one at a time"
        raise DnnExplainError(msg)
    return given[0] if given else usual


def refuse_others(
    options: SystemOptions, question: str, whose: Mapping[str, Sequence[str]], drawn: Sequence[str] = ()
) -> None:
    """Refuse what the question in hand has no use for.

    Args:
        options: with the command line.
        question: the question, as :func:`question_of` says it.
        whose: option -> the questions that use it; what is not here is of use to all.
        drawn: questions that use the parameters of workloads, of a command that has them.

    Raises:
        DnnExplainError: says whose an option is that was given.
    """
    of_workloads = {f"--{name.replace('_', '-')}": drawn for name in options.workload}
    for flag in _flags(options):
        takers = {**of_workloads, **whose}.get(flag)
        if takers is not None and question not in takers:
            msg = f"{flag} is of use with {' or '.join(takers)}, not with {question}: leave it out"
            raise DnnExplainError(msg)


def _flags(options: SystemOptions) -> list[str]:
    return [word.partition("=")[0] for word in options.line if word.startswith("--")]
