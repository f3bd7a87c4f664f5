"""A tree as indented lines of questions and answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from dnnexplain.explain.distillation.branching import LEAF, Branching
from dnnexplain.explain.distillation.conditions import question
from dnnexplain.gone import renamed
from dnnexplain.numbers import share

__all__ = ["export_text", "tree_text"]

__getattr__ = renamed(
    __name__,
    told="dnnexplain.explain.distillation.text:tree_text",
)

Words = tuple[str, ...]


def export_text(
    tree: Branching,
    names: Words,
    actions: Words,
    units: Mapping[str, str],
    absent: Mapping[str, float] | None = None,
    whole: Collection[str] = (),
) -> str:
    """Indented questions and actions, each leaf with its share of what was learned from."""
    return tree_text(tree, lambda leaf: actions[tree.action[leaf]], names, units, absent, whole)


def tree_text(
    tree: Branching,
    leaf: Callable[[int], str],
    names: Words,
    units: Mapping[str, str],
    absent: Mapping[str, float] | None = None,
    whole: Collection[str] = (),
) -> str:
    """Indented questions, and what ``leaf`` says of each leaf, with its share of what was learned from."""
    lines: list[str] = []

    def write(node: int, depth: int) -> None:
        pad = "  " * depth
        if tree.feature[node] == LEAF:
            lines.append(f"{pad}{leaf(node)}  ({share(tree.weight[node], 1)})")
            return
        name = names[tree.feature[node]]
        yes, no = question(name, float(tree.threshold[node]), units.get(name, ""), absent or {}, whole)
        lines.append(f"{pad}if {yes}:")
        write(int(tree.left[node]), depth + 1)
        lines.append(f"{pad}else ({no}):")
        write(int(tree.right[node]), depth + 1)

    write(0, 0)
    return "\n".join(lines) + "\n"
