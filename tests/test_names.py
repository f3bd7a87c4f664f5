"""Names of things are nouns: `found`, `told`, `asked` and `one` are not names of things."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOT_NAMES = frozenset({"found", "told", "asked", "one"})
MAY = {
    ("dnnexplain/explain/adversarial/result.py", "found"),  # a field that saved results have: was a change found
    ("dnnexplain/explain/sequence/result.py", "found"),  # the same, of a workload
    ("dnnexplain/explain/distillation/certificate.py", "told"),  # a former name, which warns
    ("dnnexplain/explain/guards/guarded.py", "told"),  # the same
    ("dnnexplain/systems/cran/networks.py", "told"),  # a setting that weights files have
}
"""File and name. It only ever gets shorter."""


def named(tree):
    """What a source gives a name to: variables, arguments, attributes of its own, functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name.strip("_").lower()


def test_things_are_named_by_what_they_are():
    files = [
        file
        for folder in ("dnnexplain", "widgets/dnnexplain_widgets", "tools")
        for file in (ROOT / folder).rglob("*.py")
    ]
    riddles = {
        (file.relative_to(ROOT).as_posix(), name)
        for file in files
        for name in NOT_NAMES.intersection(named(ast.parse(file.read_text())))
    }
    assert riddles <= MAY, f"named by a riddle: {sorted(riddles - MAY)}"
    assert riddles >= MAY, f"no longer needed in MAY: {sorted(MAY - riddles)}"


def test_a_riddle_would_be_seen():
    source = "class Found:\n    def told(self, asked):\n        self.one = [found for found in asked]\n"
    assert set(named(ast.parse(source))) >= NOT_NAMES
