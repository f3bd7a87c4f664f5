"""A set of strings has another order in every process, a folder on every disk: nothing may depend on either."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("dnnexplain", "widgets/dnnexplain_widgets", "tools", "benchmarks")
MAKERS = frozenset(["set", "frozenset", "iterdir", "glob", "rglob", "listdir", "scandir"])
OPERATORS = (ast.Sub, ast.BitAnd, ast.BitOr, ast.BitXor)
ORDERED = frozenset(["list", "tuple", "join", "next", "iter", "enumerate", "zip", "extend", "map", "array", "fromkeys"])
HARMLESS = frozenset(["sorted", "set", "frozenset", "len", "any", "all", "min", "max", "bool"])
RIGHT = {  # read one by one: the order of these changes nothing that anyone can see
    "dnnexplain/policies/_shipped.py: sorted({', '.join((f'{name}={its.get(name)}' for name in differ)) for its in theirs}, key=_numbers)",
    "dnnexplain/systems/cellular/training.py: sorted({name.split('.')[1] for name in tensors if name.startswith('adam.')}, key=int)",
    "tools/binder.py: {index.parent for index in (ROOT / 'dnnexplain').rglob('*.nbi')}",
    "dnnexplain/app/prefix.py: sorted(prefixes, key=len, reverse=True)",  # the whole path, and what a hub or a proxy leaves
    "dnnexplain/explain/distillation/pruning.py: {node: (risk[node] - below[node]) / (leaves[node] - 1) for node in asks}",
    "dnnexplain/systems/deeprm/simulator/recorder.py: spans",  # pairs of whole numbers: the same order everywhere
    "widgets/dnnexplain_widgets/views.py: sorted(shapes, key=str)",
    # folders: counted, looked for or copied one by one, or sorted by a key in which no two files are equal
    "benchmarks/same_seed.py: {str(path.relative_to(folder)): read(path.read_bytes()) for path in folder.rglob('*') if path.is_file()}",
    "dnnexplain/app/gallery.py: sorted(folder.glob('*.ipynb'), key=_lesson_order)",
    "dnnexplain/app/zygote.py: list(Path('/proc/self/task').iterdir())",
    "dnnexplain/cli/keeping.py: *out.glob('*')",
    "dnnexplain/cli/keeping.py: *out.parent.glob(f'{glob.escape(out.stem)}*')",
    "dnnexplain/cli/workloads.py: sorted(path.glob('*.json'), key=_counted_name)",
    "dnnexplain/glossary.py: sorted(files('dnnexplain').joinpath('systems').iterdir(), key=lambda folder: folder.name)",
    "tools/binder.py: (path.lstat().st_size for path in (folder / 'lib').rglob('*') if path.is_file() and (not path.is_symlink()))",
    "tools/binder.py: *cache.glob('*.nbc')",
    "tools/binder.py: *cache.glob('*.nbi')",
    "tools/binder.py: cache.parent.glob('*.py')",
    "tools/binder.py: sorted((ROOT / 'notebooks').glob('*.ipynb'), key=lambda path: _in_order(path.stem))",
}


def called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def is_set(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression is seen to be a set or a folder's files: written, made, computed, or a name of one alone."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, OPERATORS):
        keys = called(node.left) in {"keys", "items"}
        return keys or is_set(node.left, names) or is_set(node.right, names)
    made = isinstance(node, (ast.Set, ast.SetComp)) or (isinstance(node, ast.Call) and called(node) in MAKERS)
    return made or (isinstance(node, ast.Name) and node.id in names)


def own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from own(child)


def sets_of(nodes: list[ast.AST]) -> set[str]:
    """Names that every assignment of a scope makes a set."""
    given: dict[str, list[bool]] = {}
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    given.setdefault(target.id, []).append(is_set(node.value, names))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            given.setdefault(node.target.id, []).append(ast.unparse(node.annotation).startswith(("set", "frozenset")))
        names = {name for name, every in given.items() if all(every)}
    return names


def by_its_order(source: str) -> Iterator[str]:
    """The expressions of a source whose value depends on the order of a set or of a folder."""
    tree = ast.parse(source)
    inside = {id(part): node for node in ast.walk(tree) for part in ast.iter_child_nodes(node)}
    scopes = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef))]
    for nodes in ([*own(scope)] for scope in scopes):
        names = sets_of(nodes)
        for node in nodes:
            if isinstance(node, ast.For) and is_set(node.iter, names):
                yield ast.unparse(node.iter)
            if (
                isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp))
                and called(inside[id(node)]) not in HARMLESS
            ):
                yield from (ast.unparse(node) for part in node.generators if is_set(part.iter, names))
            if isinstance(node, ast.Starred) and is_set(node.value, names) and called(inside[id(node)]) not in HARMLESS:
                yield ast.unparse(node)
            keyed = isinstance(node, ast.Call) and any(word.arg == "key" for word in node.keywords)
            if isinstance(node, ast.Call) and (called(node) in ORDERED or (called(node) in HARMLESS and keyed)):
                yield from (ast.unparse(node) for part in node.args if is_set(part, names))


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("parts = {p for p in names}\nfor part in sorted(parts, key=len): pass", 1),
        ("', '.join({'a', 'b'})", 1),
        ("for key in known.keys() & given.keys(): pass", 1),
        ("kept = set(names)\ntable = {key: 1 for key in kept}", 1),
        ("[*{'a', 'b'}]", 1),
        ("files = folder.glob('*.json')\nfor file in files: pass", 1),
        ("names = [file.name for file in folder.iterdir()]", 1),
        ("names = sorted(file.name for file in folder.iterdir())", 0),
        ("parts = dict.fromkeys(names)\nfor part in sorted(parts, key=len): pass", 0),
        ("kept = set(names)\nfound = sorted(key for key in kept)", 0),
        ("kept = {'a'}\nkept = ['a']\nfor key in kept: pass", 0),
    ],
)
def test_an_order_that_changes_from_process_to_process_is_seen(source, faults):
    assert len(list(by_its_order(source))) == faults


def test_nothing_depends_on_the_order_of_a_set_or_a_folder():
    found = {
        f"{path.relative_to(ROOT)}: {what}"
        for place in PLACES
        for path in sorted((ROOT / place).rglob("*.py"))
        for what in by_its_order(path.read_text())
    }
    assert sorted(found - RIGHT) == []
    assert sorted(RIGHT - found) == [], "no longer there: take it off the list"
