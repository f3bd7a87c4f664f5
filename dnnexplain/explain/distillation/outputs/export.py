"""Trees of numbers or switches as text, Python, C, JavaScript or JSON: if and else, no library needed to run them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import Box, Choice
from dnnexplain.explain.distillation.export import branches, listing, tree_text
from dnnexplain.explain.distillation.outputs.trees import OFF, ON, OutputTrees
from dnnexplain.explain.distillation.tree import Tree

__all__ = ["OUTPUT_EXPORTS", "export_outputs", "setting"]

Words = tuple[str, ...]


def export_outputs(
    trees: OutputTrees,
    kind: str,
    names: Words,
    outputs: Words,
    *,
    units: Mapping[str, str] | None = None,
    unit: str = "",
    absent: Mapping[str, float] | None = None,
    whole: Collection[str] = (),
) -> str:
    """Trees in another language.

    Python and JavaScript define ``decide(features)``: features in the order listed there; the answer is a number, or
    on and off as true and false, per output. In C, ``decide(features, out)`` fills ``out``, 1 for on and 0 for off.

    Args:
        trees: the rules.
        kind: one of :data:`OUTPUT_EXPORTS`.
        names: of the features ``F``.
        outputs: names of what is set ``A``.
        units: of the features, by name.
        unit: of the numbers.
        absent: what quantities are where what they are of is absent; ``whole``: those that are whole numbers.
    """
    if kind not in OUTPUT_EXPORTS:
        raise Choice("export", kind, tuple(OUTPUT_EXPORTS)).error()
    if kind == "text":
        return _text(trees, names, outputs, units or {}, unit, absent or {}, whole)
    return OUTPUT_EXPORTS[kind](trees, names, outputs, units or {}, unit)


def setting(trees: OutputTrees, place: int, leaf: int, outputs: Words, unit: str) -> str:
    """What a leaf of the tree at a place sets, in words: ``rate 0.4``; ``on``."""
    scores = trees.trees[place].scores[leaf]
    return Box(outputs, unit).tell(scores) if trees.kind == "values" else _word(scores)


def _on(scores: Any) -> bool:
    """Whether a switch's leaf is on; a tie is off."""
    return bool(scores[ON] > scores[OFF])


def _word(scores: Any) -> str:
    return "on" if _on(scores) else "off"


def _text(
    trees: OutputTrees,
    names: Words,
    outputs: Words,
    units: Mapping[str, str],
    unit: str,
    absent: Mapping[str, float],
    whole: Collection[str],
) -> str:
    def single(place: int) -> str:
        def leaf(node: int) -> str:
            return setting(trees, place, node, outputs, unit)

        return tree_text(trees.trees[place], leaf, names, units, absent, whole)

    if trees.kind == "values":
        return single(0)
    parts = []
    for place, output in enumerate(outputs):
        indented = "".join(f"  {line}\n" for line in single(place).splitlines())
        parts.append(f"{output}:\n{indented}")
    return "".join(parts)


# --- programs -----------------------------------------------------------------------------------


def _functions(trees: OutputTrees, condition: str, leaf: Callable[[Any], str], otherwise: str, end: str) -> list[str]:
    """The body of each tree's function."""

    def body(tree: Tree) -> str:
        return branches(tree, condition, lambda node: leaf(tree.scores[node]), otherwise, end)

    return [body(tree) for tree in trees.trees]


def _titles(outputs: Words, unit: str, mark: str) -> str:
    suffix = f", {unit}" if unit else ""
    rows = [f"{mark} {place}: {name}{suffix}" for place, name in enumerate(outputs)]
    return "\n".join([f"{mark} What is set, in order:", *rows])


def _numbers(scores: Any) -> str:
    return ", ".join(repr(float(value)) for value in scores)


def _python(trees: OutputTrees, names: Words, outputs: Words, units: Mapping[str, str], unit: str) -> str:
    values = trees.kind == "values"

    def leaf(scores: Any) -> str:
        return f"return ({_numbers(scores)},)" if values else f"return {_on(scores)}"

    bodies = _functions(trees, "if features[{feature}] <= {threshold}:", leaf, "else:", "")
    if values:
        program = f"def decide(features):\n{bodies[0]}\n"
    else:
        each = "\n\n\n".join(f"def _set_{place}(features):\n{body}" for place, body in enumerate(bodies))
        calls = ", ".join(f"_set_{place}(features)" for place in range(len(bodies)))
        program = f"{each}\n\n\ndef decide(features):\n    return ({calls},)\n"
    what = "the numbers" if values else "for each switch whether it is on"
    return (
        f'"""Rules as decision trees; decide(features) gives {what}."""\n\n'
        f"{listing(names, units, '#')}\n{_titles(outputs, unit, '#')}\n\n"
        f"FEATURES = {names!r}\nOUTPUTS = {outputs!r}\n\n\n{program}"
    )


def _javascript(trees: OutputTrees, names: Words, outputs: Words, units: Mapping[str, str], unit: str) -> str:
    values = trees.kind == "values"

    def leaf(scores: Any) -> str:
        return f"return [{_numbers(scores)}];" if values else f"return {json.dumps(_on(scores))};"

    bodies = _functions(trees, "if (features[{feature}] <= {threshold}) {{", leaf, "} else {", "}")
    if values:
        program = f"function decide(features) {{\n{bodies[0]}\n}}\n"
    else:
        each = "\n\n".join(f"function set{place}(features) {{\n{body}\n}}" for place, body in enumerate(bodies))
        calls = ", ".join(f"set{place}(features)" for place in range(len(bodies)))
        program = f"{each}\n\nfunction decide(features) {{\n    return [{calls}];\n}}\n"
    what = "the numbers" if values else "for each switch whether it is on"
    return (
        f"// Rules as decision trees; decide(features) gives {what}.\n"
        f"{listing(names, units, '//')}\n{_titles(outputs, unit, '//')}\n"
        f"const OUTPUTS = {json.dumps(outputs)};\n\n{program}\n"
        'if (typeof module !== "undefined") module.exports = { decide, OUTPUTS };\n'
    )


def _c(trees: OutputTrees, names: Words, outputs: Words, units: Mapping[str, str], unit: str) -> str:
    values = trees.kind == "values"

    def leaf(scores: Any) -> str:
        if values:
            sets = " ".join(f"out[{place}] = {float(value)!r};" for place, value in enumerate(scores))
            return f"{{ {sets} return; }}"
        return f"return {int(_on(scores))};"

    bodies = _functions(trees, "if (features[{feature}] <= {threshold}) {{", leaf, "} else {", "}")
    if values:
        program = f"void decide(const double *features, double *out)\n{{\n{bodies[0]}\n}}\n"
    else:
        heads = [f"static int set_{place}(const double *features)" for place in range(len(bodies))]
        each = "\n\n".join(
            f"{head}\n{{\n    (void)features;\n{body}\n}}" for head, body in zip(heads, bodies, strict=True)
        )
        calls = "\n".join(f"    out[{place}] = set_{place}(features);" for place in range(len(bodies)))
        program = f"{each}\n\nvoid decide(const double *features, int *out)\n{{\n{calls}\n}}\n"
    what = "the numbers" if values else "1 for each switch that is on, 0 for the others"
    return (
        f"/* Rules as decision trees; decide(features, out) fills out with {what}.\n"
        f"{listing(names, units, ' *')}\n{_titles(outputs, unit, ' *')}\n */\n\n"
        f"#define FEATURES {len(names)}\n#define OUTPUTS {len(outputs)}\n\n{program}"
    )


# --- JSON ---------------------------------------------------------------------------------------


def _json(trees: OutputTrees, names: Words, outputs: Words, units: Mapping[str, str], unit: str) -> str:
    """Every tree's arrays; of numbers what each node would set, of switches the shares off and on."""
    last = "numbers" if trees.kind == "values" else "scores"
    arrays = [
        {
            **{name: getattr(tree, name).tolist() for name in ("feature", "threshold", "left", "right", "weight")},
            last: np.asarray(tree.scores).tolist(),
        }
        for tree in trees.trees
    ]
    about = {"kind": trees.kind, "features": names, "units": dict(units), "outputs": outputs, "unit": unit}
    return json.dumps({**about, "trees": arrays}, indent=1)


OUTPUT_EXPORTS: dict[str, Callable[[OutputTrees, Words, Words, Mapping[str, str], str], str]] = {
    "text": lambda trees, names, outputs, units, unit: _text(trees, names, outputs, units, unit, {}, ()),
    "python": _python,
    "c": _c,
    "javascript": _javascript,
    "json": _json,
}
