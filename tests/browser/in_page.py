"""The page's own network beside the explainers: both asked about the same states."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from dnnexplain.contract import State, state_from_observation
from dnnexplain.explain.probing.neurons import random_values
from dnnexplain_widgets.inpage import in_page
from dnnexplain_widgets.live import Ask, compute
from dnnexplain_widgets.messages import scene
from dnnexplain_widgets.sentences import sentences
from tests.browser.harness import _plain as plain
from tests.browser.harness import load_script

SCRIPT = """
const { PageNetwork, revive } = window.exported;
const flat = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
window.load = ([described, scene]) => { window.network = new PageNetwork(revive(described), scene); };
window.step = ([values, ground, ask]) => {
  const found = window.network.step(Float64Array.from(values), ground && Float32Array.from(ground), ask);
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, flat(value)]));
};
window.valid = ([wanted, before]) => Array.from(window.network.valid(Float64Array.from(wanted), Float64Array.from(before)));
window.ready = true;
"""


class InPage:
    """A network in a page of its own."""

    def __init__(self, page: Any, system: Any, policy: Any) -> None:
        self.page, self.system, self.policy = page, system, policy
        page.set_content(f"<!doctype html><script type=module>{load_script()}\n{SCRIPT}</script>")
        page.wait_for_function("window.ready === true")
        page.evaluate("window.load", [plain(in_page(system, policy)), scene(system)])

    def step(self, state: State, ask: Ask, unit: int) -> dict[str, Any]:
        """What the page says of a state."""
        ground = None if state.background is None else np.asarray(state.background, np.float64).ravel().tolist()
        asked = {name: getattr(ask, name) for name in ("target", "method", "layer", "sweep")}
        given = {**asked, "parts": sorted(ask.parts), "unit": unit}
        found: dict[str, Any] = self.page.evaluate("window.step", [state.values.tolist(), ground, given])
        return found

    def valid(self, wanted: Any, before: Any) -> Any:
        """Valid values in the page."""
        return np.array(self.page.evaluate("window.valid", [list(wanted), list(before)]))


def some_states(system: Any, count: int, seed: int) -> list[State]:
    """Random valid states, half of them sparse, and every fourth one out of an episode (with a background)."""
    rng = np.random.default_rng(seed)
    values = random_values(system, count, rng)
    low = np.array([knob.low for knob in system.knobs])
    sparse = np.where(rng.random(values.shape) < 0.6, low, values)
    values[::2] = system.repair(sparse[::2])
    states = [State(row) for row in values]
    for at in range(3, count, 4):
        seen = state_from_observation(system, system.reachable[rng.integers(len(system.reachable))])
        use = rng.random(len(values[at])) < 0.8  # some knobs move away from the background
        states[at] = State(system.repair(np.where(use, seen.values, values[at])[None])[0], seen.background)
    return states


def assert_same(page: InPage, state: State, ask: Ask, unit: int = 0, tolerance: float = 1e-5) -> None:
    """The page's step and the explainers' agree in every number and in every word."""
    live = compute(page.system, page.policy, state, ask)
    found = page.step(state, ask, unit)
    close(found["picture"], np.clip(np.rint(255 * live.observation.ravel()), 0, 255), 0)
    close(found["outputs"], live.decision.outputs, tolerance)
    close(found["probabilities"], live.decision.probabilities, tolerance)
    assert found["valid"] == live.decision.valid.astype(int).tolist()
    assert found["action"] == live.decision.action
    if live.attribution is None:
        assert found["failures"] == {"saliency": live.failures["saliency"]}
    else:
        close(found["map"], live.attribution.map.ravel(), tolerance)
        sums = np.stack([live.attribution.positive, live.attribution.negative], axis=1).ravel()
        close(found["groups"], sums, 10 * tolerance)  # of a hundred cells each
    close(found["units"], live.activations[:256], tolerance)
    close(found["curves"], np.concatenate([curve[unit] for curve in live.curves.activation]), tolerance)
    grids = live.curves.values
    assert [row[1:] for row in found["swept"]] == [[len(grid), grid[0], grid[-1]] for grid in grids]
    words = sentences(page.system, live, unit, ask)
    assert set(found["words"]) == set(words)
    for part, said in words.items():
        assert_same_words(found["words"][part], said)


def close(found: Any, exact: Any, tolerance: float) -> None:
    """Equal up to the tolerance, relative for numbers above 1."""
    np.testing.assert_allclose(np.array(found, dtype=float), exact, rtol=tolerance, atol=tolerance)


def assert_same_words(found: Any, said: Any) -> None:
    """Equal but for a third digit that rounding to float32 may turn."""
    if found == said:
        return
    pattern = r"[-−]?\d[\d,]*\.?\d*(?:e[-+−]\d+)?"
    numbers = [
        [float(n.replace("−", "-").replace(",", "")) for n in re.findall(pattern, text)] for text in (found, said)
    ]
    assert re.sub(pattern, "#", found) == re.sub(pattern, "#", said), (found, said)
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=2e-2, atol=2e-3, err_msg=f"{found}\n{said}")
