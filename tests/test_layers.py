"""Who may import whom: contract <- systems | policies | explain <- widgets <- everything else."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("systems", "policies", "explain")
GROUND = {
    "assumptions",
    "charts",
    "contract",
    "drawings",
    "encoding",
    "files",
    "first_time",
    "glossary",
    "intervals",
    "lazy",
    "given_states",
    "gone",
    "moved",
    "old_intervals",
    "memory",
    "counts",
    "numbers",
    "parallel",
    "reading",
    "registry",
    "results",
    "rule_names",
    "sampling",
    "showing",
    "checksum_kernels",
    "tensor_files",
    "tensorflow_files",
    "threads",
    "twins",
}
"""Modules below the layers, which all of them may use; they use only one another."""

ROOF = {"app", "cli", "environments", "training", "finding", "front", "__main__"}
"""What joins everything; nothing imports it."""


def imports(source, module):
    """Every module that a source names in an import, at its top or inside a function; absolute names."""
    package = module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
                base = f"{above}.{base}".rstrip(".")
            yield base, node.lineno
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in {
            "import_module",
            "__import__",
        }:
            yield from ((arg.value, node.lineno) for arg in node.args if isinstance(getattr(arg, "value", None), str))


def part(name):
    """``dnnexplain.explain.networks.hooks`` -> ``explain``; "" for what is not ours."""
    top, _, rest = name.partition(".")
    if top == "dnnexplain_widgets":
        return "widgets"
    return rest.partition(".")[0] if top == "dnnexplain" else ""


def faults(module, source):
    """The imports of a module that break the rule, as ``line: name``."""
    if module.partition(".")[0] == "dnnexplain_widgets":

        def allowed(name):
            return part(name) in {"", "widgets", "explain"} | GROUND and name.partition(".")[0] != "captum"
    elif (own := part(module)) in LAYERS:

        def allowed(name):
            return part(name) in {"", own} | GROUND
    elif own == "contract":

        def allowed(name):
            return part(name) == "contract" or (part(name) == "" and name.partition(".")[0] != "dnnexplain")
    elif own in GROUND:

        def allowed(name):
            return part(name) in {""} | GROUND
    else:
        return []
    known = {"", "widgets", *LAYERS, *GROUND, *ROOF}
    return [f"{line}: {name}" for name, line in imports(source, module) if part(name) in known and not allowed(name)]


def modules():
    for folder in (ROOT, ROOT / "widgets"):
        for path in sorted((folder / ("dnnexplain" if folder == ROOT else "dnnexplain_widgets")).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            # A package's own name ends in .__init__, so that its relative imports resolve as a module's do.
            yield path, ".".join(parts)


def test_modules_keep_to_their_layers():
    found = {module: faults(module, path.read_text(encoding="utf-8")) for path, module in modules()}
    assert len(found) > 300
    assert {module: broken for module, broken in found.items() if broken} == {}


def test_every_part_of_the_package_has_a_place():
    parts = {
        path.stem
        for path in (ROOT / "dnnexplain").iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert parts - {"__init__", *LAYERS, *GROUND, *ROOF} == set(), "give it a place in tests/test_layers.py"


def circles(imported):
    """Groups of modules that import one another, whole or round about (Tarjan's strongly connected components)."""
    order, low, stack, found = {}, {}, [], []

    def visit(module):
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in imported[module]:
            if other not in order:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], order[other])
        if low[module] == order[module]:
            group = set(stack[stack.index(module) :])
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(group)

    for module in imported:
        if module not in order:
            visit(module)
    return found


def test_no_modules_import_one_another_in_a_circle():
    sources = {
        module.removesuffix(".__init__"): (module, path.read_text(encoding="utf-8")) for path, module in modules()
    }
    imported = {
        name: {other for other, _ in imports(source, module) if other in sources and other != name}
        for name, (module, source) in sources.items()
    }
    # Of `from package import name` only a module is meant where there is one, not the package beside it.
    for name, others in imported.items():
        named = {other.rpartition(".")[0] for other in others}
        imported[name] = {other for other in others if other not in named}
    assert circles(imported) == []


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert circles({"a": {"b"}, "b": set()}) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("dnnexplain.systems.deeprm.rules", "from dnnexplain.policies import TorchPolicy"),
        ("dnnexplain.policies.torch_policy", "import dnnexplain.systems"),
        ("dnnexplain.explain.attribution.one_state", "def late():\n    from dnnexplain import systems"),
        ("dnnexplain.explain.attribution.one_state", "from ...systems import deeprm"),
        ("dnnexplain.explain.__init__", "from .. import policies"),
        ("dnnexplain.explain.deep.inner", "from ...systems.deeprm import DeepRM"),
        ("dnnexplain.explain.attribution.one_state", "import_module('dnnexplain.systems.deeprm')"),
        ("dnnexplain_widgets.panel", "from captum.attr import Saliency"),
        ("dnnexplain_widgets.panel", "def late():\n    import captum"),
        ("dnnexplain_widgets.panel", "from dnnexplain.systems.deeprm import DeepRM"),
        ("dnnexplain_widgets.panel", "from dnnexplain.cli import main"),
        ("dnnexplain.contract", "from dnnexplain.explain import attribute"),
        ("dnnexplain.contract", "from dnnexplain import __version__"),
        ("dnnexplain.parallel", "from dnnexplain.systems import make_system"),
    ],
)
def test_a_breach_is_seen(module, source):
    assert faults(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "dnnexplain.systems.deeprm.rules",
            "from dnnexplain.systems.deeprm.simulator.model import Params\nimport numpy",
        ),
        ("dnnexplain.explain.attribution.one_state", "from captum.attr import Saliency\nfrom .forward import run"),
        ("dnnexplain_widgets.panel", "from dnnexplain.explain import attribute\nimport bqplot"),
        ("dnnexplain.cli.evaluate", "from dnnexplain.systems import make_system"),
    ],
)
def test_what_is_allowed_passes(module, source):
    assert faults(module, source) == []
