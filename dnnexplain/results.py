"""What an explainer returns: frozen, comparable, and saved without loss.

A result is a frozen dataclass that derives from :class:`Result`::

    @dataclass(frozen=True, eq=False)
    class Curve(Result):
        question: Question
        activation: NDArray[np.float64] = array_field("value", "neuron", unit="activation")

It can be written as JSON and read back (arrays keep dtype, shape, axes and unit), compared by value,
and shown as a table. Lists become tuples on the way, for a result does not change.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from dnnexplain import __version__
from dnnexplain.charts import Chart, from_table
from dnnexplain.contract import Choice, DnnExplainError, Policy, State, System
from dnnexplain.encoding import decode, encode, register
from dnnexplain.files import atomic_write
from dnnexplain.reading import parse_json, read_text
from dnnexplain.showing import html_of, in_cell, latex_of, markdown_of, text_of, words_of_kind

__all__ = ["Question", "Result", "Shown", "array_field", "differences", "plain_field", "register", "same", "versions"]


def array_field(*axes: str, unit: str = "", **options: Any) -> Any:
    """A dataclass field that holds an array with named axes and a unit; ``"..."`` stands for any axes."""
    return field(metadata={"axes": axes, "unit": unit}, **options)


def plain_field(**options: Any) -> Any:
    """A dataclass field that holds plain JSON (lists stay lists), such as a state in words."""
    return field(metadata={"plain": True}, **options)


@cache
def versions() -> dict[str, str]:
    """The versions of what computes a result, read without importing any of it."""
    installed = {"dnnexplain": __version__}
    for package in ("torch", "captum", "numpy"):
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            installed[package] = "not installed"
    return installed


@register
@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What was asked, in enough detail to ask it again.

    Attributes:
        system: the system's name, with its ``parameters``.
        state: the state in the words of the domain (``System.state_to_json``), or ``None``.
        policy, checkpoint: the policy's name and its weights' SHA-256 (empty for a rule).
        target, target_kind: the scalar explained, in words, and which kind it is.
        method, baseline: how, and against what.
        settings: whatever else was chosen.
        assumed: what files left open and was assumed of system and policy, a sentence each.
        versions: of dnnexplain, torch, captum, numpy.
    """

    system: str
    parameters: Mapping[str, Any] = plain_field(default_factory=dict)
    state: Mapping[str, Any] | None = plain_field(default=None)
    policy: str = ""
    checkpoint: str = ""
    target: str = ""
    target_kind: str = ""
    method: str = ""
    baseline: str = ""
    seed: int | None = None
    settings: Mapping[str, Any] = plain_field(default_factory=dict)
    assumed: list[str] = plain_field(default_factory=list)
    versions: Mapping[str, str] = plain_field(default_factory=lambda: dict(versions()), compare=False)

    @classmethod
    def about(cls, system: System, policy: Policy | None = None, state: State | None = None, **rest: Any) -> Question:
        """A question about a policy in a state of a system; ``rest`` are further fields."""
        return cls(
            system=system.name,
            parameters=_parameters(system),
            state=None if state is None else system.state_to_json(state),
            policy="" if policy is None else policy.name,
            checkpoint=getattr(policy, "checkpoint", ""),
            assumed=[*getattr(system, "assumed", ()), *getattr(policy, "assumed", ())],
            **rest,
        )

    def __eq__(self, other: object) -> bool:
        return same(self, other) if isinstance(other, Question) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def _parameters(system: System) -> dict[str, Any]:
    """A system's parameters as plain JSON, if it tells them (``parameters`` or ``params``)."""
    given = getattr(system, "parameters", None) or getattr(system, "params", None)
    if given is None or callable(given):
        return {}
    if dataclasses.is_dataclass(given):
        given = {part.name: getattr(given, part.name) for part in dataclasses.fields(given)}
    plain: dict[str, Any] = json.loads(json.dumps(dict(given), default=_as_plain))
    return plain


def _as_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if dataclasses.is_dataclass(value):
        return {part.name: getattr(value, part.name) for part in dataclasses.fields(value)}
    return str(value)


_DRAWERS = {
    "bqplot": ("live", "bqplot", "widgets"),
    "matplotlib": ("paper", "matplotlib", "notebook"),
    "svg": ("svg", "", ""),
}
"""Who draws a picture: the module of :mod:`dnnexplain.charts`, the package that it needs, and the extra that has it."""


def _optional(module: str, package: str, extra: str, what: str) -> Any:
    """A module that needs a package which may be missing."""
    try:
        return import_module(module)
    except ImportError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        msg = (
            f"{what} needs {package}, which is not installed: pip install 'dnnexplain[{extra}]'; table() needs nothing"
        )
        raise DnnExplainError(msg) from None


class Shown:
    """What shows itself: derive a dataclass with a ``sentence`` and a ``table``, and it has figures and tables for papers."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in vars(cls):
            cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]  # else ``dataclass`` writes every array out

    def table(self) -> list[dict[str, Any]]:
        """Rows for people: by default one row of the fields that are single values."""
        plain = (str, int, float, bool)
        row = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}  # type: ignore[arg-type]
        return [{name: value for name, value in row.items() if isinstance(value, plain)}]

    def sentence(self) -> str:
        """What was found, in words; empty where a kind has no words of its own."""
        return str(getattr(self, "words", ""))

    # --- how it shows itself --------------------------------------------------------------------

    def picture(self) -> Chart:
        """What is drawn of it, as data; by default bars of the numbers in :meth:`table`."""
        return from_table(self.table(), words_of_kind(type(self).__name__))

    def plot(self, backend: str = "bqplot", *, ax: Any = None) -> Any:
        """Its picture as a figure.

        Args:
            backend: ``"bqplot"``, live in a notebook; ``"matplotlib"``, for a paper (one column wide, text as
                text); or ``"svg"``, as text.
            ax: of matplotlib, what to draw into.

        Returns:
            A ``bqplot.Figure``, a ``matplotlib`` figure (``.savefig("figure.pdf")``), or SVG.

        Raises:
            DnnExplainError: an unknown backend, one that is not installed, or axes for another than matplotlib.
        """
        if backend not in _DRAWERS:
            raise Choice("backend", backend, tuple(_DRAWERS)).error()
        if ax is not None and backend != "matplotlib":
            msg = f'ax is a part of a matplotlib figure, and {backend} draws none; write plot(backend="matplotlib", ax=ax)'
            raise DnnExplainError(msg)
        module, package, extra = _DRAWERS[backend]
        drawer = _optional(f"dnnexplain.charts.{module}", package, extra, f'plot(backend="{backend}")')
        return drawer.draw(self.picture()) if ax is None else drawer.draw(self.picture(), ax)

    def frame(self) -> Any:
        """:meth:`table` as a pandas data frame; pandas is in the extra ``dnnexplain[notebook]``."""
        return _optional("pandas", "pandas", "notebook", "frame()").DataFrame(self.table())

    def to_markdown(self) -> str:
        """:meth:`table` as a table in Markdown."""
        return markdown_of(self.table())

    def to_latex(self, caption: str = "", label: str = "") -> str:
        """:meth:`table` in LaTeX (package ``booktabs``), within a ``table`` if it has a caption or a label."""
        return latex_of(self.table(), caption, label)

    def __repr__(self) -> str:
        return text_of(words_of_kind(type(self).__name__), self.sentence(), self.table(), self._notes())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002
        """What a notebook shows of it as the last expression of a cell."""
        return {"text/plain": repr(self), "text/html": self._html(in_cell(self.plot(backend="svg")))}

    def to_html(self) -> str:
        """Sentence, picture and table for a page of one's own: HTML without scripts, styles or links."""
        return self._html(self.plot(backend="svg"))

    def _html(self, picture: str) -> str:
        return html_of(words_of_kind(type(self).__name__), self.sentence(), self.table(), picture, self._notes())

    def _notes(self) -> list[str]:
        return [f"Assumed: {text}" for text in getattr(getattr(self, "question", self), "assumed", ())]


@dataclass(frozen=True, eq=False)
class Result(Shown):
    """The base of every result. Derive with ``@dataclass(frozen=True, eq=False)``.

    ``VERSION`` is raised when the fields of a kind change their meaning: older files of it are then
    read by :meth:`migrated`, or refused in words instead of being misread.
    """

    VERSION: ClassVar[int] = 1

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        register(cls)

    @classmethod
    def migrated(cls, data: dict[str, Any], version: int) -> dict[str, Any] | None:
        """The fields of an older file as this version has them, decoded or not; ``None`` if it cannot be read any more."""
        del data, version
        return None

    def to_json(self, indent: int | None = None) -> str:
        """The whole result as JSON; numbers and arrays come back to the bit."""
        return json.dumps(encode(self), indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a result of this kind (``Result.from_json`` reads any kind).

        Raises:
            DnnExplainError: not JSON, not a result, of an unknown kind or a newer version.
        """
        return cls._read(text, "the text")

    @classmethod
    def _read(cls, text: str, where: str) -> Self:
        result = decode(parse_json(text, where))
        if isinstance(result, cls):
            return result
        kind = type(result).__name__ if isinstance(result, Result) else "other JSON"
        msg = f"{where} is no saved {cls.__name__} but {kind}; take a file that --out (or save) of the same question wrote"
        raise DnnExplainError(msg)

    def save(self, path: str | Path) -> Path:
        """Write the result to a file, whole or not at all."""
        with atomic_write(path) as file:
            file.write(self.to_json())
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a result from a file."""
        return cls._read(read_text(path, "a saved result"), str(path))

    def __eq__(self, other: object) -> bool:
        return same(self, other) if isinstance(other, Result) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def close_to(self, other: Result, *, rtol: float = 1e-6, atol: float = 1e-9) -> bool:
        """Equal but for rounding: every number within ``atol + rtol * |number|``."""
        return same(self, other, rtol=rtol, atol=atol)


# --- comparison ---------------------------------------------------------------------------------


def same(first: Any, other: Any, *, rtol: float = 0.0, atol: float = 0.0) -> bool:
    """Whether two values are equal by value, arrays and nested dataclasses included; NaN equals NaN."""
    return not differences(first, other, rtol=rtol, atol=atol)


def differences(first: Any, other: Any, *, rtol: float = 0.0, atol: float = 0.0, where: str = "") -> list[str]:
    """Where two values differ, as paths such as ``.groups[2]``; empty if they are equal by value.

    Fields declared with ``compare=False`` (times, versions) are left out.
    """
    options = {"rtol": rtol, "atol": atol}
    if isinstance(first, np.ndarray) or isinstance(other, np.ndarray):
        return [] if _same_array(np.asarray(first), np.asarray(other), rtol, atol) else [where]
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        if type(first) is not type(other):
            return [where]
        parts = [
            (f".{p.name}", getattr(first, p.name), getattr(other, p.name))
            for p in dataclasses.fields(first)
            if p.compare
        ]
    elif isinstance(first, Mapping):
        if not isinstance(other, Mapping) or first.keys() != other.keys():
            return [where]
        parts = [(f"[{key!r}]", value, other[key]) for key, value in first.items()]
    elif isinstance(first, list | tuple):
        if not isinstance(other, list | tuple) or len(first) != len(other):
            return [where]
        parts = [(f"[{i}]", a, b) for i, (a, b) in enumerate(zip(first, other, strict=True))]
    elif isinstance(first, float) and isinstance(other, int | float):
        return [] if _same_array(np.asarray(first), np.asarray(float(other)), rtol, atol) else [where]
    else:
        return [] if first == other else [where]
    return [difference for step, a, b in parts for difference in differences(a, b, where=where + step, **options)]


def _same_array(first: np.ndarray[Any, Any], other: np.ndarray[Any, Any], rtol: float, atol: float) -> bool:
    if first.shape != other.shape:
        return False
    if first.dtype.kind not in "fc" and other.dtype.kind not in "fc":
        return bool(np.array_equal(first, other))
    return bool(np.allclose(first, other, rtol=rtol, atol=atol, equal_nan=True))
