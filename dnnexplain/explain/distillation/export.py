"""A tree as text, Python, C, JavaScript or JSON: if and else, no library needed to run it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.explain.distillation.branching import LEAF
from dnnexplain.explain.distillation.text import export_text, tree_text
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.gone import renamed
from dnnexplain.reading import parse_json

__all__ = ["EXPORTS", "branches", "export", "export_text", "listing", "tree_from_json", "tree_text"]

__getattr__ = renamed(
    __name__,
    told="dnnexplain.explain.distillation.text:tree_text",
)

Words = tuple[str, ...]


def export(tree: Tree, kind: str, names: Words, actions: Words, units: Mapping[str, str] | None = None) -> str:
    """A tree in another language.

    Python, C and JavaScript define ``decide(features, valid)``: features in the order listed there,
    ``valid`` a yes or no per action; the answer is the index of the leaf's first valid action.

    Args:
        tree: the rules.
        kind: one of :data:`EXPORTS`.
        names: of the features ``F``.
        actions: names ``A``.
        units: of the features, by name.
    """
    if kind not in EXPORTS:
        raise Choice("export", kind, tuple(EXPORTS)).error()
    return EXPORTS[kind](tree, names, actions, units or {})


# --- programs -----------------------------------------------------------------------------------


def _orders(tree: Tree) -> dict[int, list[int]]:
    """Each leaf's actions, best first; equal scores in the order of the actions."""
    return {
        int(leaf): [int(a) for a in np.argsort(-tree.scores[leaf], kind="stable")]
        for leaf in np.flatnonzero(tree.feature == LEAF)
    }


def branches(tree: Tree, condition: str, leaf: Callable[[int], str], otherwise: str, end: str) -> str:
    """A tree as nested ifs: the line of a question, ``leaf`` of each leaf, and what stands between and after."""
    lines: list[str] = []

    def write(node: int, depth: int) -> None:
        pad = "    " * depth
        if tree.feature[node] == LEAF:
            lines.append(pad + leaf(node))
            return
        test = condition.format(feature=int(tree.feature[node]), threshold=float(tree.threshold[node]).__repr__())
        lines.append(pad + test)
        write(int(tree.left[node]), depth + 1)
        lines.append(pad + otherwise)
        write(int(tree.right[node]), depth + 1)
        if end:
            lines.append(pad + end)

    write(0, 1)
    return "\n".join(lines)


def listing(names: Words, units: Mapping[str, str], mark: str) -> str:
    """The features in order with their units, as comments that begin with ``mark``."""
    rows = [f"{mark} {i}: {name}" + (f", {units[name]}" if units.get(name) else "") for i, name in enumerate(names)]
    return "\n".join([f"{mark} The features, in order:", *rows])


def _export_python(tree: Tree, names: Words, actions: Words, units: Mapping[str, str]) -> str:
    orders = _orders(tree)
    body = branches(
        tree,
        "if features[{feature}] <= {threshold}:",
        lambda node: f"return _first({tuple(orders[node])}, valid)  # {actions[orders[node][0]]}",
        "else:",
        "",
    )
    return (
        '"""Rules as a decision tree; decide(features, valid) gives the index of an action."""\n\n'
        f"{listing(names, units, '#')}\n\n"
        f"FEATURES = {names!r}\nACTIONS = {actions!r}\n\n\n"
        "def _first(order, valid):\n"
        "    return next(action for action in order if valid is None or valid[action])\n\n\n"
        f"def decide(features, valid=None):\n{body}\n"
    )


def _export_javascript(tree: Tree, names: Words, actions: Words, units: Mapping[str, str]) -> str:
    orders = _orders(tree)
    body = branches(
        tree,
        "if (features[{feature}] <= {threshold}) {{",
        lambda node: f"return first({orders[node]}, valid); // {actions[orders[node][0]]}",
        "} else {",
        "}",
    )
    return (
        "// Rules as a decision tree; decide(features, valid) gives the index of an action.\n"
        f"{listing(names, units, '//')}\n"
        f"const ACTIONS = {json.dumps(actions)};\n\n"
        "function first(order, valid) {\n"
        "    return order.find((action) => !valid || valid[action]);\n}\n\n"
        f"function decide(features, valid) {{\n{body}\n}}\n\n"
        'if (typeof module !== "undefined") module.exports = { decide, ACTIONS };\n'
    )


def _export_c(tree: Tree, names: Words, actions: Words, units: Mapping[str, str]) -> str:
    orders = _orders(tree)
    count = len(actions)
    body = branches(
        tree,
        "if (features[{feature}] <= {threshold}) {{",
        lambda node: f"return first(ORDER_{node}, valid); /* {actions[orders[node][0]]} */",
        "} else {",
        "}",
    )
    tables = "\n".join(
        f"static const int ORDER_{node}[{count}] = {{{', '.join(map(str, order))}}};" for node, order in orders.items()
    )
    listed = listing(names, units, " *")
    acts = "\n".join(f" * {i}: {name}" for i, name in enumerate(actions))
    return (
        "/* Rules as a decision tree; decide(features, valid) gives the index of an action.\n"
        f" * valid may be a null pointer: every action is valid.\n{listed}\n * The actions:\n{acts}\n */\n\n"
        f"#define FEATURES {len(names)}\n#define ACTIONS {count}\n\n{tables}\n\n"
        "static int first(const int *order, const unsigned char *valid)\n{\n"
        "    for (int i = 0; i < ACTIONS; i++)\n"
        "        if (!valid || valid[order[i]])\n            return order[i];\n"
        "    return -1;\n}\n\n"
        f"int decide(const double *features, const unsigned char *valid)\n{{\n{body}\n}}\n"
    )


# --- JSON ---------------------------------------------------------------------------------------


def _export_json(tree: Tree, names: Words, actions: Words, units: Mapping[str, str]) -> str:
    arrays = {
        name: getattr(tree, name).tolist() for name in ("feature", "threshold", "left", "right", "scores", "weight")
    }
    return json.dumps({"features": names, "units": dict(units), "actions": actions, "nodes": arrays}, indent=1)


def tree_from_json(text: str) -> Tree:
    """The tree of :func:`export`'s JSON; every number to the bit.

    Raises:
        DnnExplainError: not JSON, or no tree: arrays of other lengths, a child that is no later node (so a
            walk from the root would never end), a quantity that is not among its features.
    """
    data = parse_json(text, "a saved tree")
    try:
        tree, features = _tree(data["nodes"]), len(data["features"])
    except DnnExplainError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        msg = f"a saved tree is damaged ({words}); write it again: dnnexplain distill --export tree.json"
        raise DnnExplainError(msg) from None
    if tree.feature.max(initial=-1) >= features:
        msg = f"a saved tree is damaged: a node asks for quantity {tree.feature.max()} of {features}"
        raise DnnExplainError(msg)
    return tree


def _tree(nodes: Mapping[str, Any]) -> Tree:
    return Tree(
        feature=np.array(nodes["feature"], dtype=np.int64),
        threshold=np.array(nodes["threshold"], dtype=np.float64),
        left=np.array(nodes["left"], dtype=np.int64),
        right=np.array(nodes["right"], dtype=np.int64),
        scores=np.array(nodes["scores"], dtype=np.float64),
        weight=np.array(nodes["weight"], dtype=np.float64),
    )


EXPORTS: dict[str, Callable[[Tree, Words, Words, Mapping[str, str]], str]] = {
    "text": export_text,
    "python": _export_python,
    "c": _export_c,
    "javascript": _export_javascript,
    "json": _export_json,
}
