"""One small instance of any result kind, made from the types of its fields: kinds that come later too."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from pkgutil import walk_packages

import numpy as np

import dnnexplain.explain
from dnnexplain.contract import Property, State
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.explain.stress.verdicts import WORSE
from dnnexplain.intervals import Interval
from dnnexplain.results import Question, Result, Shown

SIZE = 3
"""Of every axis and every tuple, so that what belongs together fits."""


def kinds():
    """Every kind of result in the package."""
    for module in walk_packages(dnnexplain.explain.__path__, "dnnexplain.explain."):
        import_module(module.name)
    found, left = [], [Shown]
    while left:
        below = left.pop().__subclasses__()
        left += below
        found += [one for one in below if one.__module__.startswith("dnnexplain.") and one is not Result]
    return sorted(found, key=lambda kind: kind.__name__)


def sample(kind):
    hints = typing.get_type_hints(kind)
    values = {}
    for part in dataclasses.fields(kind):
        if "axes" in part.metadata:
            values[part.name] = array(part, hints[part.name])
        elif part.metadata.get("plain"):
            values[part.name] = [] if "list" in str(hints[part.name]) else {}
        else:
            values[part.name] = value(hints[part.name], part.name)
    return fitting(kind, values)


def array(part, hint):
    axes = [axis for axis in part.metadata["axes"] if axis != "..."] or ["cell"]
    shape = tuple({"axis": 2, "CPU-seconds, ratio": 2}.get(axis, SIZE) for axis in axes)
    numbers = np.arange(1, 1 + np.prod(shape)).reshape(shape)
    for dtype in (np.int8, np.int64, np.bool_, np.float32):
        if dtype.__name__ in str(hint):
            return (numbers % SIZE).astype(dtype)
    return numbers * np.where(numbers % 2, 0.5, -0.25)


def value(hint, name):
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return value(inner[0], name)
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return tuple(value(inner[0], f"{name} {i}") for i in range(SIZE))
        return tuple(value(one, f"{name} {i}") for i, one in enumerate(inner))
    if origin in {dict, Mapping} or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {f"{name} {i}": value(inner[1], name) for i in range(SIZE)}
    if origin is list:
        return []
    if origin is np.ndarray or hint is np.ndarray:
        square = np.linspace(0.0, 1.0, SIZE * SIZE).reshape(SIZE, SIZE)
        return square if name.startswith("activation") else np.arange(float(SIZE))
    if hint is Question:
        return Question(system="roads", policy="net <b>", assumed=["tanh between layers"], settings={"knobs": [0, 1]})
    if hint is State:
        return State(np.arange(3.0))
    if hint is Property:
        return Property("never", "It is <never> so.", ())
    if hint is Interval:
        return Interval(0.5, 0.25, 0.75, 0.95, SIZE)
    if hint is Tree:
        return tree()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if dataclasses.is_dataclass(hint):
        return sample(hint)
    if hint is str and name == "verdict":
        return WORSE
    return {bool: True, int: 1, float: 0.5, str: name}.get(hint, 1.0 if hint is typing.Any else None)


def tree():
    """A leaf that says the first action."""
    none, leaf = np.array([-1]), np.zeros(1)
    return Tree(none, leaf, none, none, np.ones((1, SIZE)) / SIZE, np.ones(1))


def fitting(kind, values):
    """What the types alone do not say."""
    name = kind.__name__
    if name == "DecisionRecord":
        values["action"] = values["names"][0]
    if name == "Rulebook":
        values["size"] = 0
    if name == "Room":
        names = ("rule", "policy", "optimum")
        values["levels"] = tuple(
            dataclasses.replace(one, name=n) for one, n in zip(values["levels"], names, strict=True)
        )
    if name == "Reliance":
        values["dead"] = values["constant"] = np.zeros(SIZE, dtype=bool)
    if name == "Transfer":
        values["networks"] = 1
    if name == "RuleComparison":
        values["cost"] = np.abs(values["cost"])
    if name == "Decision":
        values.pop("taken", None)
    return kind(**values)
