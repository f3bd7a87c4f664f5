"""Whether rules that were written as a program decide as the tree they were written from: the program is run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.distillation.outputs.trees import OutputTrees
from dnnexplain.explain.distillation.running import RUNNERS, lacking_tool, run_export
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.explain.proofs.certificate import Certificate, Claim, certify
from dnnexplain.gone import instead

__all__ = ["CheckedExport", "certify_export", "checked_export", "probing_rows"]

_DRAWN = 2_000

_MARKS = {"python": "#", "javascript": "//", "c": " *"}
"""What a line of a program's head begins with."""


@dataclass(frozen=True, slots=True)
class CheckedExport:
    """An exported program that says of itself whether it was run beside its tree.

    Attributes:
        text: the program, ``comparison`` in its head.
        certificate: of the run; ``None`` where it could not be run, or is no program.
        comparison: what was compared on how many rows, or that nothing was and why; empty of rules as words.
    """

    text: str
    certificate: Certificate | None
    comparison: str

    @property
    def told(self) -> str:
        """The old name of ``comparison``."""
        instead("CheckedExport.told", "comparison")
        return self.comparison


def checked_export(text: str, kind: str, trees: Tree | OutputTrees) -> CheckedExport:
    """Run an export beside what it was written from, and write into its head how that went.

    Args:
        text: what :func:`~dnnexplain.explain.distillation.export.export` or ``export_outputs`` wrote.
        kind: its language.
        trees: what it was written from.
    """
    if kind == "text":
        return CheckedExport(text, None, "")
    if kind not in RUNNERS:
        return CheckedExport(text, None, "Not run beside its tree: nothing here runs a program of this kind.")
    missing = lacking_tool(kind)
    certificate, said = None, f"Not run beside its tree: this machine has no {missing}."
    if not missing:
        try:
            certificate = certify_export(text, kind, trees)
            said = _said(certificate, kind, trees)
        except DnnExplainError as error:
            said = f"Not run beside its tree: {error}"
    return CheckedExport(_stamped(text, kind, said), certificate, said)


def certify_export(text: str, kind: str, trees: Tree | OutputTrees) -> Certificate:
    """Run an exported program beside its trees, on rows at and around every threshold; of choices, with random valid actions.

    Raises:
        DnnExplainError: the language's tool is not there, or refuses the program.
    """
    if isinstance(trees, OutputTrees):
        rows, several, valid = probing_rows(*trees.trees), trees, None
        switches = several.kind == "switches"
        answers = np.asarray(several.outputs(rows), dtype=np.float64)
        expected = (answers > 0).astype(np.float64) if switches else answers
        got = run_export(kind, text, rows, None, answers.shape[1], switches=switches)
    else:
        rows = probing_rows(trees)
        scores = trees.scores[trees.apply(rows)]
        valid = _some_valid(scores.shape)
        expected = np.where(valid, scores, -np.inf).argmax(axis=1).astype(np.float64)
        got = run_export(kind, text, rows, valid)
    return certify(
        Claim("the exported program decides as the tree"),
        lambda _: expected,
        lambda _: got,
        rows,
        tolerance=0.0,
        quantifies="any features",
    )


def probing_rows(*trees: Tree, seed: int = 0) -> NDArray[np.float64]:
    """Features ``[n, F]`` that reach every leaf in many ways: thresholds, the next numbers on both sides, far values."""
    random = np.random.default_rng(seed)
    rows = np.zeros((_DRAWN, max(int(max(tree.feature.max(), 0)) for tree in trees) + 1))
    for feature in range(rows.shape[1]):
        edges = np.concatenate([tree.threshold[tree.feature == feature] for tree in trees])
        edges = edges if len(edges) else np.zeros(1)
        values = np.concatenate(
            [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), edges - 1, edges + 1]
        )
        rows[:, feature] = random.choice(values, size=_DRAWN)
    return rows


def _some_valid(shape: Sequence[int], seed: int = 1) -> NDArray[np.bool_]:
    """Actions that may be taken ``[n, A]``, at least one in each row."""
    random = np.random.default_rng(seed)
    valid = random.random(tuple(shape)) < 0.6
    valid[np.arange(shape[0]), random.integers(shape[1], size=shape[0])] = True
    return valid


def _said(certificate: Certificate, kind: str, trees: Tree | OutputTrees) -> str:
    if not certificate.holds:
        return f"It does not decide as its tree: {certificate.reason.partition(': ')[2]}"
    how = "Read again, number by number, beside its tree" if kind == "json" else "Run beside its tree"
    beside = "" if isinstance(trees, OutputTrees) else ", with random valid actions"
    return (
        f"{how}: the same answer on each of {counted(certificate.states, 'row')} of quantities at, next to and around every "
        f"threshold{beside}."
    )


def _stamped(text: str, kind: str, words: str) -> str:
    """The program with a line more under the first of its head; of JSON, with a key more."""
    if kind == "json":
        return json.dumps({"checked": words, **json.loads(text)}, indent=1)
    first, _, rest = text.partition("\n")
    lead = "\n" if kind == "python" else ""
    return f"{first}\n{lead}{_MARKS[kind]} {words}\n{rest.removeprefix(lead)}"
