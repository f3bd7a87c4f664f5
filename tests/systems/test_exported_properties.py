"""What `prove --export` writes, for every system: other verifiers must get the same network, and a box that holds its states."""

import re

import numpy as np
import pytest

from dnnexplain.cli.prove_export import exported
from dnnexplain.contract.specs import load_reference
from dnnexplain.explain.proofs.draws import draw
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, make_system, spec_of

BOUND = re.compile(r"\(assert \((<=|>=) X_(\d+) (\S+)\)\)")
LEFT = re.compile(r"\(assert \(>= (.*) (\S+)\)\)$", re.MULTILINE)
TERM = re.compile(r"\(\* (\S+) Y_(\d+)\)")


def _of_one_state(claim):
    return [case for case in claim.cases if case.change is None and case.then is None]


@pytest.mark.parametrize("name", BUILT_IN)
def test_exported_networks_answer_alike_and_boxes_hold_their_states(name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    system, spec = make_system(name), spec_of(name)
    policy = named_policy(system, "default")
    claims = (load_reference(source.make)(system, **source.parameters) for source in spec.properties)
    claim, single = next((claim, cases) for claim in claims if (cases := _of_one_state(claim)))
    files = exported(tmp_path, system, policy, claim, None)["cases"]
    session = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"))
    given = session.get_inputs()[0].name
    assert len(files) == len(single)
    for case, file in list(zip(single, files, strict=True))[:2]:
        rows = draw(system, case.states, 24, np.random.default_rng(0))
        assert len(rows)
        seen = np.asarray(system.encode(rows), dtype=np.float32)
        own = np.asarray(policy.outputs(seen), dtype=np.float64)
        answers = session.run(None, {given: seen})[0]
        np.testing.assert_allclose(answers, own, rtol=1e-4, atol=1e-5 * max(1.0, np.abs(own).max()))
        text = (tmp_path / file).read_text()
        assert text.count("(") == text.count(")")
        flat = seen.reshape(len(seen), -1)
        ends = {(sign, int(cell)): float(value) for sign, cell, value in BOUND.findall(text)}
        low, high = (np.array([ends[sign, cell] for cell in range(flat.shape[1])]) for sign in (">=", "<="))
        assert len(ends) == 2 * flat.shape[1] == 2 * text.count("(declare-const X_")
        assert own.shape[1] == text.count("(declare-const Y_")
        slack = 1e-4 * np.maximum(1.0, np.abs(high))
        assert ((low - slack <= flat) & (flat <= high + slack)).all()
        asked = [line for line in LEFT.findall(text) if "Y_" in line[0]]
        assert len(asked) == len(case.rows)
        for (terms, least), row, offset in zip(asked, case.rows, case.offset, strict=True):
            said = np.zeros(own.shape[1])
            for factor, output in TERM.findall(terms):
                said[int(output)] = float(factor)
            np.testing.assert_allclose(said, row)
            assert float(least) == pytest.approx(-float(offset))
