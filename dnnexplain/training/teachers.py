"""What ``--teacher``, ``--workload``, ``--rate`` and ``--from`` mean for a recipe that is trained by rewards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import parse_json, read_bytes, read_text

if TYPE_CHECKING:
    from dnnexplain.policies import TorchPolicy
    from dnnexplain.policies.training import Recipe, SoftRule

__all__ = [
    "STRENGTH",
    "begin_from",
    "read_teacher",
    "teacher_words",
    "training_workload",
]

STRENGTH = 3.0
"""How strong a rule is unless said otherwise: the odds of an action that obeys it rise e^3 = 20-fold."""


def read_teacher(given: Sequence[str], system: Any) -> tuple[tuple[dict[str, Any], ...], dict[str, SoftRule]]:
    """The recipe's ``teacher``, and its rules by name.

    Raises:
        DnnExplainError: an unknown rule, a file that cannot be used, a strength that is no number.
    """
    parts, rules = [], dict[str, Any]()
    for text in given:
        rule, strength, source = _read(text, system)
        if rule.name in rules:
            msg = f"the rule {rule.name} was given twice; give it once, with the strength that it is to have"
            raise DnnExplainError(msg)
        rules[rule.name] = rule
        parts.append({"rule": rule.name, "strength": strength, "source": source})
    return tuple(parts), rules


def _read(text: str, system: Any) -> tuple[SoftRule, float, str]:
    """One rule, its strength, and a hash of the file that it came from."""
    from dnnexplain.policies.training import load_function, make_rule

    parts = text.split(":")
    name, rest = parts[0], parts[1:]
    if name.endswith(".json"):
        return _tree(Path(name), system), _strength(rest, text), _hash(Path(name))
    if name.endswith(".py"):
        if not rest or not rest[0]:
            msg = f"--teacher {text} does not say which function; write {name}:FUNCTION"
            raise DnnExplainError(msg)
        return load_function(Path(name), rest[0], system), _strength(rest[1:], text), _hash(Path(name))
    if name in {"utilisation", "idle"} and rest:
        return make_rule(f"{name}:{rest[0]}", system), _strength(rest[1:], text), ""
    return make_rule(name, system), _strength(rest, text), ""


def _strength(parts: Sequence[str], text: str) -> float:
    if not parts:
        return STRENGTH
    try:
        value = float(":".join(parts))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        msg = f"--teacher {text}: a strength is a number of at least 0, such as 3, not {':'.join(parts)!r}"
        raise DnnExplainError(msg)
    return value


def _hash(path: Path) -> str:
    return hashlib.sha256(read_bytes(path, packed=True)).hexdigest()[:16]


def _tree(path: Path, system: Any) -> SoftRule:
    """A tree as ``dnnexplain distill --export`` writes it."""
    from dnnexplain.explain.distillation import TreePolicy
    from dnnexplain.explain.distillation.export import tree_from_json
    from dnnexplain.policies.training import PolicyRule

    text = read_text(path)
    try:
        names = parse_json(text, path)["features"]
        tree = tree_from_json(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} is no tree ({error}); write one with: dnnexplain distill {system.name} --export {path.name}"
        raise DnnExplainError(msg) from None
    if tuple(names) != system.features.names:
        msg = (
            f"the tree in {path} speaks of {counted(len(names), 'quantity', 'quantities')}, this system of {len(system.features.names)}; "
            "was it made with another number of slots?"
        )
        raise DnnExplainError(msg)
    return PolicyRule(path.name, TreePolicy(tree, system.features, len(system.output.names), path.stem))


def training_workload(
    families: Sequence[str], rates: Sequence[float], home_share: float, system: Any = None
) -> dict[str, Any]:
    """The recipe's ``workload``: one family at one rate, or a mix of several.

    Args:
        families: names; ``mix`` stands for the families of the transfer grid, at its rates unless some
            are given; none is the system's default.
        rates: arrivals per step; none is the default family's.
        home_share: of a mix, the share that its cell at home has for itself.
        system: to train on, or its name; the first that is trained by rewards if not given.
    """
    from dnnexplain.policies.training import family_workload, grid_axes, mix
    from dnnexplain.policies.training.recipe import spec_trained

    spec = spec_trained(system)
    usual = family_workload(spec)
    families = families or [usual["name"]]
    known = tuple(family.name for family in spec.families)
    for name in families:
        if name not in (*known, "mix"):
            raise Choice("workload family", name, (*known, "mix")).error()
    whole = "mix" in families
    grid_families, grid_rates = grid_axes(spec)
    rows = list(dict.fromkeys(grid_families if whole else families))
    columns = list(rates) or list(grid_rates if whole else [usual["rate"]])
    if len(rows) == len(columns) == 1:
        return {**usual, "name": rows[0], "rate": columns[0]}
    home = (
        usual["name"] if usual["name"] in rows else rows[0],
        usual["rate"] if usual["rate"] in columns else columns[0],
    )
    return mix(rows, columns, home=home, home_share=home_share)


def begin_from(name: str, system: Any) -> tuple[TorchPolicy, dict[str, Any]]:
    """The network to start from, and what it changes in the recipe: no imitation first, its own layers."""
    from dnnexplain.policies import load_any

    start = load_any(name, system)
    architecture = start.metadata.get("architecture") or {"name": "given"}
    return start, {"start": start.checkpoint, "architecture": architecture, "imitation_rounds": 0}


def teacher_words(recipe: Recipe) -> str:
    """The teacher in one line, for the model card."""
    rules = ", ".join(
        f"{item['rule']} with strength {item['strength']:g}" + (f" (file {item['source']})" if item["source"] else "")
        for item in recipe.teacher
    )
    shape = recipe.schedule
    return f"{rules}; weight {shape.first:g}, times {shape.decay:g} in each iteration, at least {shape.least:g}"
