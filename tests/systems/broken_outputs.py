"""Standard outputs on which nothing arrives: closed, full, and a pipe whose reader has left."""

import io
import os
import sys
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import NamedTuple

from dnnexplain.cli import main

__all__ = ["CODES", "ended_on", "fault_of"]

CODES = {"closed": 0, "full": 2, "left": 141}
"""What a command that would end with 0 ends with on each: what is printed into nothing is no mistake of anybody's."""


class End(NamedTuple):
    """How a command ended."""

    code: int
    said: str
    left_over: str


def ended_on(kind, words):
    """Run a command line in this process with such an output: its code, what it said of it, what a flush at the end says."""
    said = io.StringIO()
    with _output(kind), redirect_stderr(said):
        code = main(words)
        try:  # as the interpreter does at its end
            sys.stdout.close()
        except (OSError, ValueError) as error:
            return End(code, said.getvalue(), f"{type(error).__name__}: {error}")
    return End(code, said.getvalue(), "")


def fault_of(kind, end, code=0):
    """What is wrong with such an end of a command that ends with that code where its output arrives; empty if nothing."""
    expected = CODES[kind] or code
    if end.code != expected:
        return f"code {end.code}, not {expected}: {end.said}"
    if end.left_over or "Traceback" in end.said or "this should not happen" in end.said:
        return f"{end.left_over} {end.said}".strip()
    if kind == "full" and ("no space left" not in end.said or end.said.count("\n") != 1):
        return f"the full disk is not told in one sentence: {end.said}"
    return f"said {end.said}" if kind == "left" and end.said else ""


@contextmanager
def _output(kind):
    """That output in place of this process's; a closed one is none, as Python has it."""
    before = sys.stdout
    sys.stdout = None if kind == "closed" else _opened(kind)
    try:
        yield
    finally:
        sys.stdout = before


def _opened(kind):
    if kind == "full":
        return Path("/dev/full").open("w", encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")
