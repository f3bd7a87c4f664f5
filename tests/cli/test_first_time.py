"""Compiling says so once, where it happens, and on the error stream; what is compiled already says nothing."""

from __future__ import annotations

from typing import Any

from numba import njit

from dnnexplain.cli.first_time import said_when_compiled
from dnnexplain.first_time import COMPILES


def test_compiling_says_so_once_and_only_where_it_happens(capsys: Any) -> None:
    @njit
    def twice(number: Any) -> Any:
        return number + number

    with said_when_compiled():
        assert twice(2) == 4
        assert twice(2.0) == 4.0
    told = capsys.readouterr()
    assert told.err.strip() == f"{COMPILES}."
    assert not told.out
    with said_when_compiled():
        twice(3)
    assert not capsys.readouterr().err
    twice(1j)  # nobody listens any more
    assert not capsys.readouterr().err
