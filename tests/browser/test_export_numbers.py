"""Explorables of systems without a picture: their own network in the page beside the explainers, and routing's file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dnnexplain.app.explorable import write_explorable
from dnnexplain.contract import Box, Discrete, Flowing, State
from dnnexplain.explain import attribute, decide
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system
from dnnexplain_widgets.live import Ask
from tests.browser.in_page import InPage, assert_same_words, close
from tests.browser.test_export import open_file, tab  # noqa: F401 - a fixture
from tests.systems.fakes import FAKES


def drawn_states(system: Any, count: int) -> list[State]:
    rng = np.random.default_rng(4)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    return [State(row) for row in system.repair(low + (high - low) * rng.random((count, len(low))))]


def slopes(system: Any, policy: Any, state: State) -> Any:
    """The slopes that the page's default target has: the explainers', or of an output by torch alone."""
    if isinstance(system.output, Discrete) or isinstance(system, Flowing):
        target = "default" if isinstance(system.output, Discrete) else "utilisation of the busiest link"
        return attribute(system, policy, state, method="saliency", target=target).map.ravel()
    seen = torch.from_numpy(system.encode(state.values[None])).requires_grad_()
    bounded = isinstance(system.output, Box)
    low, high = (torch.tensor(end.copy()) for end in system.output.bounds) if bounded else (None, None)
    given = policy.module(seen)
    (torch.clamp(given, low, high) if bounded else given)[0, 0].backward()  # beyond a bound nothing moves
    return seen.grad.numpy().ravel()


@pytest.mark.parametrize("name", [*FAKES, "cellular", "routing"])
def test_the_page_decides_and_explains_as_the_explainers_do(tab, name):  # noqa: F811
    system: Any = FAKES[name]() if name in FAKES else make_system(name)
    policy = named_policy(system, "untrained" if name in FAKES else "default")
    page = InPage(tab, system, policy)
    for state in drawn_states(system, 4):
        found = page.step(state, Ask(sweep=system.knobs[0].name), 0)
        decision = decide(system, policy, state)
        close(found["outputs"], decision.outputs, 1e-5)
        if decision.probabilities is not None:
            close(found["probabilities"], decision.probabilities, 1e-5)
        close(found["map"], slopes(system, policy, state), 1e-4)
        assert found["words"]["decision"]
        shares = page.step(state, Ask(method="integrated-gradients", sweep=system.knobs[0].name), 0)
        target = "utilisation of the busiest link" if isinstance(system, Flowing) else "default"
        wanted = attribute(system, policy, state, method="integrated-gradients", target=target)
        if not isinstance(system.output, Box) or isinstance(system, Flowing):
            close(shares["map"], wanted.map.ravel(), 1e-4)
            assert_same_words(shares["words"]["saliency"], wanted.sentence())
        else:  # what lies beyond a bound is cut off there, as it is for the controller
            seen = (system.encode(state.values[None]), wanted.references)
            here, there = (np.clip(policy.outputs(one), *system.output.bounds)[:, 0].mean() for one in seen)
            assert sum(shares["map"]) == pytest.approx(here - there, rel=0.011, abs=1e-6)


def test_bitrates_file_follows_a_dragged_throughput_and_its_address_holds_it(tab, tmp_path):  # noqa: F811
    write_explorable(tmp_path / "abr.html", "abr")
    open_file(tab, (tmp_path / "abr.html").as_uri())
    system: Any = make_system("abr")
    policy = named_policy(system, "default")
    mark = tab.get_by_role("slider", name="throughput 1")
    mark.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowUp")  # 0.3 Mb/s each
    values = np.array(tab.evaluate("Array.from(window.explorable.store.values)"))
    close(values, system.repair(values[None])[0], 1e-6)  # the download time followed
    shares = decide(system, policy, State(values)).probabilities
    shown = tab.locator("#decision .dx-number").all_inner_texts()
    for text, share in zip(shown, shares, strict=True):
        assert text.startswith("under") or float(text) == pytest.approx(share, abs=6e-4)
    assert "The buffer holds" in tab.locator("#editor .dx-sentence").inner_text()
    assert tab.locator("#saliency .dx-groups tr").count() == len(system.groups)
    tab.reload()
    assert tab.locator("#decision .dx-number").all_inner_texts() == shown
    assert "a point of a line" in tab.locator("main").inner_text()


def test_routings_file_shows_topology_demands_splits_and_attribution(tab, tmp_path):  # noqa: F811
    write_explorable(tmp_path / "routing.html", "routing")
    open_file(tab, (tmp_path / "routing.html").as_uri())
    system: Any = make_system("routing")
    policy = named_policy(system, "default")

    def shown() -> tuple[str, float]:
        values = np.array(tab.evaluate("Array.from(window.explorable.store.values)"))
        splits = decide(system, policy, State(values)).outputs
        return tab.locator("#editor .dx-sentence").inner_text(), float(system.mlu(splits, values))

    before, cost = shown()
    assert f"to {100 * cost:.3g}%" in before
    assert tab.locator("#editor .dx-map-link").count() == 2 * len(system.topology.links)
    assert tab.locator("#editor .dx-paths tbody tr").count() >= 2
    assert tab.locator("#saliency .dx-groups tr").count() > 5
    tab.locator("#editor input[aria-label='All demands']").evaluate(
        "(slider) => { slider.value = '-0.5'; slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change')); }"
    )
    after, less = shown()
    assert f"to {100 * less:.3g}%" in after
    assert less < cost / 2
    tab.get_by_role("button", name="Undo").click()
    assert shown()[0] == before
