"""Traffic matrices from files: DOTE's ``.hist`` and plain text, one matrix a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.assumptions import assume
from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import check_count, read_bytes, read_text
from dnnexplain.systems.routing.paths import PathSet
from dnnexplain.systems.routing.topology_formats import read_demands

__all__ = ["EVERY", "UNITS", "file_windows", "load_matrices", "unit_taken"]

EVERY = 1_000_000
"""More windows than any file has."""
UNITS: dict[str, float] = {
    "Gb/s": 1.0,
    "Mb/s": 1e-3,
    "kb/s": 1e-6,
    "b/s": 1e-9,
    "100 bytes per 5 minutes": 800 / 300 * 1e-9,
}
"""Unit of the numbers in a file -> Gb/s."""
_NUMPY = b"\x93NUMPY"
"""How a ``.npy`` begins."""


def load_matrices(path: str | Path, paths: PathSet, unit: str | None = None) -> NDArray[np.float64]:
    """Read traffic matrices of ``N * N`` numbers a line, source-major, the diagonal ignored; or one of REPETITA or SNDlib.

    Args:
        path: a text file, plain or packed by gzip, bzip2 or xz: numbers parted by blanks, tabs or commas; empty lines and lines
            that start with ``#`` are skipped. Nodes are in the order of the topology.
        paths: the network; the file must have its number of nodes.
        unit: one of :data:`UNITS`. A ``.hist`` file of DOTE is in b/s, which is its default; any other
            file needs the unit said, because a wrong one cannot be seen. The widely shared real Abilene
            matrices of 144 numbers are in ``"100 bytes per 5 minutes"``: as kb/s they would exceed the
            links' capacity several times.

    Returns:
        Demands in Gb/s ``[T, P]``.

    Raises:
        DnnExplainError: for a file that cannot be read, a missing or unknown unit, a line of the wrong
            width, and demands that are not numbers, NaN, infinite or negative; the line is named.
    """
    path = Path(path)
    data = read_bytes(path, "traffic file")
    if data.startswith(_NUMPY):
        msg = (
            f"{path} is an array of numpy; write it as text, one matrix a line: "
            "np.savetxt('traffic.txt', array.reshape(len(array), -1))"
        )
        raise DnnExplainError(msg)
    demands = read_demands(data, path)
    if demands is not None:
        return _of_demands(path, demands, paths, unit)
    if unit is None:
        if ".hist" not in path.suffixes[-2:]:
            msg = f"say the unit of the numbers in {path.name}: unit='Mb/s' (--unit Mb/s), one of {', '.join(UNITS)}"
            raise DnnExplainError(msg)
        unit = "b/s"
    if unit not in UNITS:
        raise Choice("unit of demand", unit, tuple(UNITS)).error()
    nodes = len(paths.topology.nodes)
    rows = [_row(path, number, line, nodes) for number, line in _lines(path)]
    if not rows:
        msg = f"{path} holds no traffic matrix; expected {nodes * nodes} numbers a line"
        raise DnnExplainError(msg)
    keep = [a * nodes + b for a, b in paths.pairs]
    return np.array(rows)[:, keep] * UNITS[unit]


def unit_taken(path: Path, unit: str | None = None) -> str:
    """The unit in which :func:`load_matrices` takes a file's numbers: the one given, else the format's own."""
    return unit or ("b/s" if read_demands(read_bytes(path, "traffic file"), path) is None else "kb/s")


def _of_demands(path: Path, demands: list[Any], paths: PathSet, unit: str | None) -> NDArray[np.float64]:
    """One matrix ``[1, P]`` of a REPETITA file (kb/s, unless said) or an SNDlib one (its unit must be said)."""
    by_number = bool(demands) and isinstance(demands[0][0], int)
    if unit is None and not by_number:
        msg = f"say the unit of the demands in {path.name}: unit='Mb/s' (--unit Mb/s), one of {', '.join(UNITS)}"
        raise DnnExplainError(msg)
    if unit is not None and unit not in UNITS:
        raise Choice("unit of demand", unit, tuple(UNITS)).error()
    if unit is None:
        assume(f"{path.name}: demands are taken as kb/s, as in REPETITA's own files")
    names = paths.topology.nodes
    index: dict[Any, int] = (
        {number: number for number in range(len(names))} if by_number else {n: i for i, n in enumerate(names)}
    )
    place = {pair: number for number, pair in enumerate(paths.pairs)}
    matrix = np.zeros((1, len(paths.pairs)))
    for source, target, number in demands:
        if source not in index or target not in index:
            msg = (
                f"{path}: a demand from {source} to {target}, but the topology {paths.topology.name!r} has no such node"
            )
            raise DnnExplainError(msg)
        if not (np.isfinite(number) and number >= 0):
            msg = f"{path}: the demand from {source} to {target} is {number}; demands must be finite and not negative"
            raise DnnExplainError(msg)
        if (pair := (index[source], index[target])) in place:
            matrix[0, place[pair]] += number * UNITS[unit or "kb/s"]
    return matrix


def file_windows(
    paths: PathSet,
    count: int,
    length: int,
    seed: int | Sequence[int],
    *,
    path: str | Path,
    unit: str | None = None,
    first: int = 0,
    last: int | None = None,
) -> NDArray[np.float64]:
    """Up to ``count`` windows of ``length`` consecutive matrices of a file, Gb/s ``[W, length, P]``.

    Args:
        paths: the network, as for :func:`load_matrices`.
        count: windows to draw without repetition, kept in the file's order; all if there are no more.
        length: matrices per window.
        seed: of the draw.
        path: the file.
        unit: of its numbers, as for :func:`load_matrices`.
        first: the first row of the file to use, from 0.
        last: the row before which to stop; the end of the file if not given.
    """
    matrices = load_matrices(path, paths, unit)[first:last]
    there = len(matrices) - length + 1
    if there < 1:
        msg = f"{path} gives {counted(len(matrices), 'matrix', 'matrices')} from row {first}, but one window needs {length}"
        msg += f": {length - 1} that are seen before the one to route (none with a history of 0)" * (length > 1)
        raise DnnExplainError(msg)
    starts = np.arange(there)
    if count < there:
        starts = np.sort(np.random.default_rng(seed).choice(there, size=count, replace=False))
    return np.asarray(matrices[starts[:, None] + np.arange(length)])


def _lines(path: Path) -> list[tuple[int, str]]:
    """Line numbers (from 1) and text of the lines that hold numbers."""
    text = read_text(path, "traffic file")
    check_count(text.count("\n"), path, "lines")
    numbered = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]


def _row(path: Path, number: int, line: str, nodes: int) -> NDArray[np.float64]:
    words = line.replace(",", " ").split()
    if len(words) != nodes * nodes:
        msg = (
            f"{path}, line {number}: {len(words)} numbers, but {nodes} nodes need {nodes} x {nodes} = {nodes * nodes}; "
            "was it made for another topology?"
        )
        raise DnnExplainError(msg)
    try:
        row = np.array([float(word) for word in words])
    except ValueError as error:
        msg = f"{path}, line {number}: {error}"
        raise DnnExplainError(msg) from None
    bad = np.flatnonzero(~(np.isfinite(row) & (row >= 0)))
    if bad.size:
        column = int(bad[0])
        msg = (
            f"{path}, line {number}, number {column + 1}: the demand from node {column // nodes + 1} to node "
            f"{column % nodes + 1} is {words[column]}; demands must be finite and not negative"
        )
        raise DnnExplainError(msg)
    return row
