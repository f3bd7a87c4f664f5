"""Explorables: the page's own network equals the explainers; the file works from disk without any request."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.app.explorable import write_explorable
from dnnexplain.contract import DnnExplainError, State, state_from_observation, state_from_values
from dnnexplain.explain import attribute, decide
from dnnexplain.explain.networks.plain import plain_network
from dnnexplain.explain.probing.neurons import random_values
from dnnexplain.policies import TorchPolicy, load_shipped
from dnnexplain.systems import make_system
from dnnexplain_widgets import Dashboard
from dnnexplain_widgets.live import Ask, compute
from dnnexplain_widgets.moves import valid_values
from dnnexplain_widgets.sentences import sentences
from tests.browser.axe import serious
from tests.browser.conftest import close_to, shown_probabilities, wait_settled
from tests.browser.in_page import InPage, assert_same, assert_same_words, close, some_states
from tests.browser.test_panels import cell_of, drag, grip

SHIPPED = {"default": 5, "conv": 5, "as-published": 5, "default of 10": 10}


@pytest.fixture
def tab(chromium):
    """A page whose console must stay clean and which must ask nothing of any network."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    page, troubles = context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type in {"error", "warning"} else None)
    page.on(
        "request", lambda one: None if one.url.startswith(("file:", "data:", "blob:")) else troubles.append(one.url)
    )
    yield page
    context.close()
    assert troubles == []


@pytest.mark.parametrize("name", SHIPPED)
def test_the_page_says_what_captum_and_the_explainers_say(tab, name):
    system = make_system("deeprm", slots=SHIPPED[name])
    page = InPage(tab, system, load_shipped(system, name.partition(" ")[0]))
    for number, state in enumerate(some_states(system, 24 if system.params.slots == 5 else 8, seed=7)):
        assert_same(page, state, Ask(sweep="length"), unit=number % 20)


@pytest.mark.parametrize(
    "ask",
    [
        Ask(target="logit", sweep="cpu"),
        Ask(target="probability", sweep="memory"),
        Ask(target="probability of job 1", sweep="length"),
        Ask(target="logit of wait", sweep="backlog"),
        Ask(target="job 2 minus wait", sweep="time since last arrival"),
    ],
    ids=lambda ask: f"{ask.target}, {ask.sweep}",
)
def test_every_kind_of_target_and_sweep_is_the_same(tab, ask, deeprm, drawn):
    page = InPage(tab, deeprm, drawn)
    for number, state in enumerate(some_states(deeprm, 6, seed=3)):
        assert_same(page, state, ask, unit=number)


@pytest.mark.parametrize("layer", ["relu_1", "relu_2", "relu_3"])
def test_every_layer_of_a_convolutional_network_is_the_same(tab, layer, deeprm):
    page = InPage(tab, deeprm, load_shipped(deeprm, "conv"))
    for number, state in enumerate(some_states(deeprm, 4, seed=5)):
        assert_same(page, state, Ask(sweep="length", layer=layer), unit=5 * number + 1)


def pooled(system: Any, seed: int) -> TorchPolicy:
    """A network with every kind of layer that a page runs."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Unflatten(1, (1, 20)), nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(1, 3, (3, 4), stride=(2, 3), padding=(1, 0)),
        nn.MaxPool2d((2, 3), stride=(1, 2), padding=1), nn.ReLU(), nn.Dropout(0.5), nn.Identity(),
        nn.AvgPool2d(2, padding=1, count_include_pad=seed % 2 == 0), nn.Conv2d(3, 2, 1, bias=False), nn.Flatten(),
    )  # fmt: skip
    with torch.no_grad():
        wide = network(torch.zeros(1, *system.observation_shape)).shape[1]
    return TorchPolicy(nn.Sequential(network, nn.Linear(wide, 8), nn.ReLU(), nn.Linear(8, 6)), system)


@pytest.mark.parametrize("seed", [0, 1])
def test_pools_pads_and_nested_stacks_are_the_same(tab, seed, deeprm):
    policy = pooled(deeprm, seed)
    layer = plain_network(deeprm, policy).readable[-1].name
    page = InPage(tab, deeprm, policy)
    for number, state in enumerate(some_states(deeprm, 4, seed=11)):
        assert_same(page, state, Ask(sweep="length", layer=layer), unit=number)


NUMBERS = (
    ("cellular", {}, ("default",)),
    ("cran", {}, ("default", "toggle head 2 minus no change", "logit of toggle head 1")),
    ("cran", {"action": "set"}, ("default", "head 3 on against off")),
)


@pytest.mark.parametrize(("name", "parameters", "targets"), NUMBERS, ids=["a rate", "toggles", "switches"])
def test_a_row_of_numbers_is_painted_run_and_explained_as_in_the_kernel(tab, name, parameters, targets):
    system = make_system(name, **parameters)
    policy = load_shipped(system, "default")
    page = InPage(tab, system, policy)
    rows = random_values(system, 6, np.random.default_rng(4))
    for number, values in enumerate(rows):
        state, target = State(values), targets[number % len(targets)]
        ask = Ask(target=target, sweep=system.knobs[number].name, layer=f"relu_{1 + number % 2}")
        live, found = compute(system, policy, state, ask), page.step(state, ask, unit=number)
        close(found["outputs"], live.decision.outputs, 2e-4)
        close(found["map"], live.attribution.map, 2e-4)
        close(found["groups"], np.stack([live.attribution.positive, live.attribution.negative], axis=1).ravel(), 1e-3)
        close(found["units"], live.activations[:256], 2e-4)
        close(found["curves"], np.concatenate([curve[number] for curve in live.curves.activation]), 2e-4)
        words = sentences(system, live, number, ask)
        assert set(found["words"]) == set(words)
        for part in ("decision", "saliency", "axis"):
            assert_same_words(found["words"][part], words[part])
        if live.decision.probabilities is not None:
            close(found["probabilities"], live.decision.probabilities, 2e-4)
        wanted = values + np.random.default_rng(number).normal(0, 1, len(values))
        close(page.valid(wanted, values), valid_values(system, wanted, values), 1e-5)


@pytest.mark.parametrize("parameters", [{}, {"free_times": True, "wrap": False}], ids=["tied", "free"])
def test_what_follows_from_knobs_is_repaired_painted_and_told_as_in_the_kernel(tab, parameters):
    system = make_system("abr", **parameters)
    policy = load_shipped(system, "default")
    page, rng = InPage(tab, system, policy), np.random.default_rng(0)
    met, _ = system.visit(policy, system.workloads("markov-3g", 1, 1))
    for number, values in enumerate(random_values(system, 4, rng)):
        state = State(values)
        if number % 2:  # some knobs move away from what was met
            seen = state_from_observation(system, met[rng.integers(len(met))])
            moved = np.where(rng.random(len(values)) < 0.2 * (number - 1), values, seen.values)
            state = State(system.repair(moved[None])[0], seen.background)
        ask = Ask(sweep=system.knobs[6 * number].name, layer=f"relu_{1 + number % 2}")
        assert_same(page, state, ask, unit=number)
        for _ in range(5):
            wanted, place = state.values.copy(), rng.integers(len(values))
            wanted[place] = rng.uniform(system.knobs[place].low, system.knobs[place].high)
            close(page.valid(wanted, state.values), valid_values(system, wanted, state.values), 1e-6)


def test_what_is_wanted_is_made_valid_as_in_the_kernel(tab, deeprm, drawn):
    page = InPage(tab, deeprm, drawn)
    rng = np.random.default_rng(2)
    low, high = (np.array([getattr(knob, side) for knob in deeprm.knobs]) for side in ("low", "high"))
    for state in some_states(deeprm, 60, seed=13):
        moved = rng.random(len(low)) < 0.1
        drawn_values = np.where(rng.random(len(low)) < 0.3, low, np.rint(rng.uniform(low, high)))
        wanted = np.where(moved, drawn_values, state.values)
        np.testing.assert_array_equal(page.valid(wanted, state.values), valid_values(deeprm, wanted, state.values))


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(2480, 5), nn.Linear(5, 6)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        return self.two(torch.tanh(self.one(seen.flatten(1))))


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(2480, 5), nn.Softsign(), nn.Linear(5, 6)), r"layer '2' is Softsign\(\)"),
        (Functional(), "does more than run its layers one after another"),
    ],
)
def test_other_networks_are_refused_with_what_is_supported_and_stay_in_the_kernel(module, says, deeprm):
    policy = TorchPolicy(module, deeprm)
    with pytest.raises(DnnExplainError, match=says) as refused:
        plain_network(deeprm, policy)
    assert "Linear, ReLU, Sigmoid, Tanh, Conv2d" in str(refused.value)
    assert Dashboard(deeprm, policy).session.hub.network == {}


# --- the file ---


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "page.html"
    size = write_explorable(path, title="A title of <my> own")
    assert size == path.stat().st_size < 700_000
    return path


def open_file(page: Any, url: str) -> None:
    """Open an explorable. Its script is over when the page has loaded; to wait by a string, the page forbids (``eval``)."""
    page.goto(url)
    assert page.evaluate("window.explorable !== undefined")


def cell_height(page: Any, one: str, other: str) -> float:
    """How tall a cell of a file's picture is, px: from the lower edges of two jobs of different lengths."""
    ends = [page.locator(f'.dx-grip[aria-label="{name}"]').first for name in (one, other)]
    tops = [end.bounding_box()["y"] for end in ends]
    lengths = [int(end.get_attribute("aria-valuenow")) for end in ends]
    return (tops[1] - tops[0]) / (lengths[1] - lengths[0])


def state_shown(page: Any, system: Any) -> State:
    """The state that the open page shows, of a page that began without a background."""
    values = page.evaluate("Array.from(window.explorable.store.values)")
    return State(np.array(values))


def assert_shows_the_truth(page, system, policy):
    state = state_shown(page, system)
    decision = decide(system, policy, state)
    for text, exact in zip(shown_probabilities(page).values(), decision.probabilities, strict=True):
        assert close_to(text, exact)
    live = page.evaluate(
        "Object.fromEntries(['map', 'groups'].map((n) => [n, Array.from(window.explorable.store.live[n])]))"
    )
    found = attribute(system, policy, state, method="integrated-gradients")
    np.testing.assert_allclose(live["map"], found.map.ravel(), rtol=1e-5, atol=1e-5)
    assert found.sentence()[:20] in page.locator("#saliency .dx-sentence").inner_text()


def test_the_file_works_from_disk_by_pointer_keys_undo_and_address(tab, file, deeprm):
    policy = load_shipped(deeprm)
    open_file(tab, file.as_uri())
    assert tab.locator("h1").inner_text() == "A title of <my> own"
    assert_shows_the_truth(tab, deeprm, policy)
    begun = state_shown(tab, deeprm)
    tall = cell_height(tab, "job 1 length, Job 1 CPU", "job 3 length, Job 3 CPU")
    drag(tab, grip(tab, "job 1 length", "Job 1 CPU"), 0, 4 * tall)
    assert state_shown(tab, deeprm).values[0] == begun.values[0] + 4
    assert_shows_the_truth(tab, deeprm, policy)
    tab.locator('input[aria-label="job 1 memory"]').focus()
    tab.keyboard.press("ArrowLeft")
    dragged = state_shown(tab, deeprm)
    assert dragged.values[2] == begun.values[2] - 1
    assert_shows_the_truth(tab, deeprm, policy)
    url = tab.url
    tab.get_by_role("button", name="Undo").click()
    tab.keyboard.press("Control+z")
    np.testing.assert_array_equal(state_shown(tab, deeprm).values, begun.values)
    assert tab.get_by_role("button", name="Undo").is_disabled()
    tab.get_by_role("button", name="Redo").click()
    assert state_shown(tab, deeprm).values[0] == begun.values[0] + 4
    again = tab.context.new_page()
    open_file(again, url)
    np.testing.assert_array_equal(state_shown(again, deeprm).values, dragged.values)


def test_the_browser_itself_forbids_requests_and_code_out_of_strings(chromium, file):
    page = chromium.new_page()
    open_file(page, file.as_uri())
    page.evaluate(
        """() => { window.broken = [];
        document.addEventListener("securitypolicyviolation", (event) => window.broken.push(event.effectiveDirective));
        setTimeout(() => { try { (0, eval)("window.evil = 1"); } catch { window.refused = true; } }); // not in the test's own call
        fetch("https://example.invalid/").catch(() => {});
        document.body.append(Object.assign(new Image(), { src: "https://example.invalid/a.png" })); }"""
    )
    page.wait_for_function("window.refused === true && new Set(window.broken).size >= 3")
    assert page.evaluate("window.evil === undefined")
    assert {"connect-src", "img-src", "script-src"} <= set(page.evaluate("window.broken"))
    page.close()


def test_the_file_answers_other_questions_and_starts_from_other_states(tab, file, deeprm):
    open_file(tab, file.as_uri())
    tab.select_option('#saliency [data-name="target"]', "probability of job 1")
    assert tab.locator("#saliency .dx-legend").inner_text().endswith("probability")
    assert "minus" not in tab.locator("#saliency .dx-sentence").inner_text()
    tab.select_option('#saliency [data-name="method"]', "saliency")
    assert "probability per full cell" in tab.locator("#saliency .dx-legend").inner_text()
    assert tab.locator('#saliency [data-name="baseline"]').count() == 0
    tab.select_option('#saliency [data-name="method"]', "integrated-gradients")
    tab.select_option('#saliency [data-name="baseline"]', "mean state")
    values = State(np.array(tab.evaluate("Array.from(window.explorable.store.values)")))
    asked = {"target": "probability of job 1", "baseline": "mean state"}
    found = attribute(deeprm, load_shipped(deeprm), values, method="integrated-gradients", **asked)
    close(tab.evaluate("Array.from(window.explorable.store.live.map)"), found.map.ravel(), 1e-5)
    tab.locator("#neurons .dx-unit-cell").nth(7).click()
    assert tab.locator('#neurons .dx-unit-cell[aria-selected="true"]').inner_text() == "7"
    assert "neuron 7" in tab.locator("#neurons .dx-sentence").inner_text().lower()
    tab.select_option('#neurons [data-name="sweep"]', "memory")
    assert tab.locator("#neurons .dx-title").text_content() == "memory, units"
    tab.select_option('#editor [data-name="preset"]', label="A random state from episodes")
    values, ground = tab.evaluate(
        "[Array.from(explorable.store.values), explorable.store.ground && Array.from(explorable.store.ground)]"
    )
    seen = deeprm.encode(np.array(values)[None], np.array(ground, np.float32).reshape(20, 124))
    picture = tab.evaluate("Array.from(explorable.store.live.picture)")
    np.testing.assert_array_equal(picture, np.rint(255 * seen.ravel()))
    assert (np.abs(deeprm.reachable - seen).max(axis=(1, 2)) == 0).any()
    tab.get_by_role("button", name="Empty").click()
    assert tab.locator("#editor .dx-sentence").inner_text().startswith("No job waits")


def test_a_convolutional_networks_file_begins_with_a_layer_that_can_be_seen(tab, tmp_path):
    write_explorable(tmp_path / "conv.html", policy="conv")
    open_file(tab, (tmp_path / "conv.html").as_uri())
    assert tab.locator("#neurons .dx-unit-cell").count() == 24
    tab.select_option('#neurons [data-name="layer"]', "relu_1")
    assert "1,800 neurons" in tab.locator("#neurons .dx-sentence").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_file_fits_a_laptop_and_a_phone(chromium, file, width, theme):
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    page = context.new_page()
    open_file(page, file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.select_option("#theme", "dark" if theme == "light" else "light")
    assert page.evaluate("document.documentElement.dataset.theme") != theme
    assert serious(page) == []
    context.close()


# --- a dashboard whose kernel is far away ---


def test_a_dashboard_shows_the_pages_own_answer_at_once_and_then_the_kernels(open_board, board, deeprm, drawn):
    board.session.question(method="saliency")  # the one method whose map the page draws by itself
    harness = open_board()
    page = harness.page
    store = "Object.values(window.models).find((m) => m.state.scene).dnnexplainStore"
    page.evaluate("() => { window.answer = window.kernel; window.kernel = async () => new Promise(() => {}); }")
    drag(page, grip(page, "job 1 length", "Job 1 CPU"), 0, 3 * cell_of(page, board)[1])
    there = state_from_values(deeprm, {"job 1 length": 8}, board.session.state)
    assert board.session.state.values[0] == 5  # the kernel has heard nothing
    own = page.evaluate(
        f"(() => {{ const s = {store}; return {{map: Array.from(s.live.map), words: s.live.words, old: s.live.stamp < s.stamp}}; }})()"
    )
    assert own["old"]
    np.testing.assert_allclose(own["map"], attribute(deeprm, drawn, there).map.ravel(), rtol=1e-5, atol=1e-5)
    for text, exact in zip(shown_probabilities(page).values(), decide(deeprm, drawn, there).probabilities, strict=True):
        assert close_to(text, exact)
    page.evaluate("() => { window.kernel = window.answer; }")
    page.keyboard.press("ArrowDown")
    wait_settled(harness)
    assert page.evaluate(f"{store}.pageStep === null && {store}.live.map === undefined")
    assert board.session.state.values[0] == 9


def test_a_slider_that_fills_an_empty_slot_stays_where_it_is_let_go(open_board, board, deeprm):
    harness = open_board()
    page = harness.page
    page.get_by_role("tab", name="job 4").click()
    page.locator('input[aria-label="job 4 length"]').focus()
    page.keyboard.press("ArrowRight")
    wait_settled(harness)
    page.evaluate(
        """() => { const s = Object.values(window.models).find((m) => m.state.scene).dnnexplainStore;
        s.propose([[9, 6]], false); s.propose([[9, 6]], true); }"""
    )
    wait_settled(harness)
    assert board.session.state.values[9:12].tolist() == [6, 1, 1]


def test_a_graph_that_came_as_bytes_is_the_same_page(tab, tmp_path, monkeypatch):
    words = []
    for name, longest in (("lists", 20_000), ("bytes", 0)):
        monkeypatch.setattr("dnnexplain_widgets.views.LONG", longest)
        path = tmp_path / f"{name}.html"
        write_explorable(path, "routing", policy="untrained", topology="ring-4")
        tab.goto(path.as_uri())
        tab.wait_for_selector("section.dx .dx-sentence:not(:empty)")
        slider = tab.locator("[role=slider]:visible").first
        before = tab.locator("section.dx").all_inner_texts()
        slider.focus()
        tab.keyboard.press("End")
        tab.wait_for_function(
            "before => JSON.stringify([...document.querySelectorAll('section.dx')].map(e => e.innerText)) !== before",
            arg=json.dumps(before, ensure_ascii=False, separators=(",", ":")),
        )
        words.append((before, tab.locator("section.dx .dx-sentence").all_inner_texts()))
    assert "pathEnds" in path.read_text(encoding="utf-8")
    assert words[0] == words[1]
