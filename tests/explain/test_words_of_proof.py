"""Every place that says "proved", "certified" or "exact" is listed here, with the certificate that stands behind it.

A new place fails the first test until its author has said what it rests on; a place whose function no longer issues,
or asks for, a certificate fails the second.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from dnnexplain.contract import Bound
from dnnexplain.explain.distillation.certificate import certify_export, checked_export, probing_rows
from dnnexplain.explain.distillation.export import export
from dnnexplain.explain.distillation.tree import grow
from dnnexplain.explain.gray_box import solve_white_box
from dnnexplain.explain.gray_box.readable_whole import WhiteBox
from dnnexplain.explain.gray_box.white_box import certify_white_box
from dnnexplain.explain.proofs.optima import certify_optimum
from tests.gray_box.ring import white_box

ROOT = Path(__file__).parents[2]
WORDS = re.compile(r"\b(proved|proven|certified|proof|exact(ly)?)\b", re.IGNORECASE)

MAXIMUM = "dnnexplain.explain.proofs.maximum:certify_maximum"
DECISIONS = "dnnexplain.explain.adversarial.certificate:certify_decisions"
PROVER = "dnnexplain.explain.proofs.case_network:certify_case"
RATIO = "dnnexplain.explain.gray_box.analysis:_run_again"
WHITE_BOX = "dnnexplain.explain.gray_box.white_box:certify_white_box"
OPTIMUM = "dnnexplain.explain.proofs.optima:certify_optimum"

CERTIFIED = {
    "cli/attack.py": DECISIONS,
    "cli/explain.py": PROVER,
    "cli/probe.py": MAXIMUM,
    "cli/prove.py": PROVER,
    "explain/adversarial/compare.py": DECISIONS,
    "explain/adversarial/report.py": DECISIONS,
    "explain/gray_box/analysis.py": RATIO,
    "explain/gray_box/result.py": RATIO,
    "explain/gray_box/white_box.py": WHITE_BOX,
    "explain/probing/maximal.py": MAXIMUM,
    "explain/proofs/case_network.py": PROVER,
    "explain/proofs/beside.py": PROVER,
    "explain/proofs/certificate.py": "dnnexplain.explain.proofs.certificate:certify",
    "explain/proofs/network.py": PROVER,
    "explain/proofs/optima.py": OPTIMUM,
    "explain/proofs/sufficient.py": PROVER,
    "explain/proofs/throughout.py": PROVER,
    "explain/proofs/tracing.py": PROVER,
    "explain/proofs/verdicts.py": PROVER,
    "explain/saved_results.py": DECISIONS,
    "widgets/headlines.py": PROVER,
    "widgets/panels/adversarial_words.py": DECISIONS,
    "widgets/panels/maximal.py": MAXIMUM,
    "widgets/panels/never.py": PROVER,
    "widgets/panels/reasons.py": PROVER,
    "widgets/panels/sequence.py": OPTIMUM,
    "explain/verdict/report.py": PROVER,
    "widgets/panels/verdict_words.py": PROVER,
    "widgets/panels/worst_case_words.py": RATIO,
}
"""Where the words stand, and what issues the certificate that they need."""

OTHERWISE = {
    "explain/distillation/optimal.py": "says what was not proved: the solver's time was over",
    "explain/faithfulness/evidence.py": "exact is a value of a figure",
    "explain/gray_box/methods.py": "the name of a method",
    "explain/gray_box/search.py": "the name of a method",
    "explain/guards/evaluation.py": "says what is not proved",
    "explain/hypotheses/proving.py": "says what is left open; verdicts are those of explain/proofs/throughout.py",
    "explain/hypotheses/hypothesise.py": "the name of a statistical test",
    "explain/attribution/methods.py": "a sum over all orders, against a sample of them",
    "explain/probing/neurons.py": "how often a layer runs",
    "explain/attribution/removal.py": "a sum over all orders, against a sample of them",
    "explain/proofs/expressions.py": "says into how many proofs a property falls",
    "explain/stress/report.py": "says what a test does not prove",
    "explain/stress/report_style.py": "a word of style sheets",
    "explain/verdict/optimality.py": "an oracle's losses, by the system's own word (Judgement.exact)",
    "systems/deeprm/oracle/__init__.py": "the name of a module",
    "systems/routing/names.py": "what fields a file has",
    "cli/attack_sequence.py": "says where an optimum was not proved",
    "explain/room/room.py": "says where an optimum was not proved",
    "widgets/panels/decision.py": "an oracle's losses, by the system's own word (Judgement.exact)",
    "widgets/panels/rules/view.py": "an oracle's bounds, by the system's own word (Bound)",
}


def _name(path):
    return (
        path.relative_to(ROOT).as_posix().removeprefix("dnnexplain/").replace("widgets/dnnexplain_widgets", "widgets")
    )


def shown_texts(source):
    """The texts of a module that are no docstrings."""
    tree = ast.parse(source)
    told = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for line in body if isinstance(body, list) else ():
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                told.add(id(line.value))
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [node.value for node in texts if id(node) not in told]


def test_no_place_says_proved_without_being_listed():
    files = [*(ROOT / "dnnexplain").rglob("*.py"), *(ROOT / "widgets" / "dnnexplain_widgets").rglob("*.py")]
    saying = {_name(path) for path in files if any(map(WORDS.search, shown_texts(path.read_text("utf-8"))))}
    assert len(saying) > 20
    unlisted, gone = saying - set(CERTIFIED) - set(OTHERWISE), (set(CERTIFIED) | set(OTHERWISE)) - saying
    assert not unlisted, f"say what these rest on (explain.proofs.certify): {sorted(unlisted)}"
    assert not gone, f"these say it no more: {sorted(gone)}"


@pytest.mark.parametrize("issuer", sorted(set(CERTIFIED.values())))
def test_what_is_named_issues_a_certificate_and_nothing_else_makes_one(issuer):
    module, _, name = issuer.partition(":")
    source = inspect.getsource(getattr(importlib.import_module(module), name))
    assert "Certificate" in source
    assert issuer.endswith(":certify") or "certify(" in source or "certify_" in source


def test_certificates_that_hold_are_made_in_one_place():
    made = {
        _name(path)
        for path in (ROOT / "dnnexplain").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Certificate"
        if not any(word.arg == "holds" and getattr(word.value, "value", None) is False for word in node.keywords)
    }
    assert made == {"explain/proofs/certificate.py"}


# --- the certificates of this page's own kinds ----------------------------------------------------


def test_a_white_box_is_held_against_the_system_outside_of_it():
    box = white_box(1, hidden=4)
    found = solve_white_box(box, cpu_seconds=60)
    assert found.certificate is not None
    assert found.certificate.holds
    assert found.certificate.states > 10
    wrong = WhiteBox(**{name: getattr(box, name) for name in box.__dataclass_fields__ if name != "ratio"}, ratio=lambda x: 1.1 * box.ratio(x))  # fmt: skip
    told = solve_white_box(wrong, cpu_seconds=60)
    assert told.status != "optimal"
    assert told.sentence().startswith("No proof: ")
    too_low = certify_white_box(box, found.bound - 0.05, found.x)
    assert not too_low.holds


def test_an_exported_program_is_run_beside_its_tree():
    random = np.random.default_rng(5)
    features = random.normal(size=(400, 3))
    moves = (features[:, 0] + features[:, 1] ** 2 > 0.5).astype(np.int64)
    tree = grow(features, moves, np.ones(400), count=2, leaves=12, seed=0)
    text = export(tree, "python", ("a", "b", "c"), ("one", "two"), {})
    found = certify_export(text, "python", tree)
    assert found.holds
    assert len(np.unique(tree.apply(probing_rows(tree)))) == tree.leaves
    spoiled = certify_export(text.replace(" <= ", " < "), "python", tree)
    assert not spoiled.holds
    assert "does not decide as its tree" in checked_export(text.replace(" <= ", " < "), "python", tree).text
    assert spoiled.sentence().startswith("No proof: ")


class Planned:
    """A system whose optimum's plan costs 5."""

    def run_optimum(self, workloads, *, seconds=10.0):
        del seconds
        return type("Episodes", (), {"cost": np.full(len(workloads), 5.0)})


@pytest.mark.parametrize(
    ("lower", "upper", "costs", "holds"),
    [(4.0, 5.0, [6.0, 5.5], True), (5.2, 5.2, [6.0, 5.1], False), (-np.inf, np.inf, [6.0], False)],
)
def test_an_optimum_is_held_against_every_run(lower, upper, costs, holds):
    found = certify_optimum(object(), 0, Bound(lower, upper, "optimal"), costs)
    assert found.holds is holds
    assert holds or found.reason.startswith("No proof: ")


def test_an_optimums_plan_is_run(monkeypatch):
    monkeypatch.setattr("dnnexplain.explain.proofs.optima.Optimal", Planned)
    assert certify_optimum(Planned(), 0, Bound(5.0, 5.0, "optimal"), [6.0]).holds
    said = certify_optimum(Planned(), 0, Bound(4.0, 4.0, "optimal"), [6.0])
    assert not said.holds
