"""Pages with panels: quick ones without Jupyter, and the real app behind Voila."""

import numpy as np
import pytest

from dnnexplain.contract import state_from_values
from dnnexplain_widgets import Dashboard
from tests.browser.harness import Harness

LAPTOP, PHONE = 1280, 390


def layout_of(count):
    """The dashboard's own arrangement: masthead, strip, guide (closed) and verdict, two columns of two panels each, the rest."""
    rest = "".join(f'<div data-panel="{{{index}}}"></div>' for index in range(8, count))
    return f"""
<div class="dx-page widget-box"><div class="dx-top" data-panel="{{0}}"></div>
<div class="dx-top dx-strip-host" data-panel="{{1}}"></div><div data-panel="{{2}}" style="display:none"></div>
<div class="dx-top" data-panel="{{3}}"></div>
<div class="dx-columns widget-box">
<div class="dx-column-box widget-box"><div data-panel="{{4}}"></div><div data-panel="{{7}}" class="dx-fourth"></div></div>
<div class="dx-column-box widget-box"><div data-panel="{{5}}" class="dx-second"></div><div data-panel="{{6}}" class="dx-third"></div></div>
</div>{rest}</div>
"""


def make_network(system, seed=1):
    """A network of the paper's size whose decisions differ from state to state, without training."""
    import torch

    from dnnexplain.policies import TorchPolicy, mlp

    module = mlp(system)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.1)
    return TorchPolicy(module, system, name="drawn")


@pytest.fixture(scope="session")
def deeprm():
    from dnnexplain.systems import make_system

    return make_system("deeprm")


@pytest.fixture(scope="session")
def drawn(deeprm):
    return make_network(deeprm)


@pytest.fixture
def start(deeprm):
    jobs = {"length": (5, 3, 11), "cpu": (2, 7, 8), "memory": (8, 4, 2)}
    values = {f"job {slot} {kind}": sizes[slot - 1] for kind, sizes in jobs.items() for slot in (1, 2, 3)}
    return state_from_values(deeprm, values)


@pytest.fixture
def board(deeprm, drawn, start):
    rules = [name for name in deeprm.rules() if name != "random"]
    board = Dashboard(deeprm, drawn, start, rules=rules, title="Why this job?")
    board.show("episodes")
    return board


@pytest.fixture
def open_board(chromium, board):
    """Opens the board's page: ``open_board(width=390, theme="dark")``; fails on any console error at the end."""
    opened = []

    def open_page(width=LAPTOP, theme="light", given=None):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=theme, has_touch=width < 500
        )
        context.set_default_timeout(20_000)
        panels = (given or board).panels
        harness = Harness(context.new_page(), panels, layout_of(len(panels)))
        opened.append((context, harness))
        return harness

    yield open_page
    for context, harness in opened:
        context.close()
        assert harness.errors == []


@pytest.fixture
def open_panels(chromium):
    """Opens a page with panels: ``open_panels(*panels, width=390, theme="dark")``; fails on a console error."""
    opened = []

    def show(*panels, width=1100, theme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        context.set_default_timeout(60_000)
        slots = "".join(f'<div data-panel="{{{index}}}"></div>' for index in range(len(panels)))
        harness = Harness(context.new_page(), panels, slots)
        opened.append((context, harness))
        return harness

    yield show
    for context, harness in opened:
        context.close()
        assert harness.errors == []


def value_of(system, state, name):
    return float(state.values[[knob.name for knob in system.knobs].index(name)])


def shown_probabilities(page):
    """What the probability bars say, by row."""
    rows = page.locator(".dx-bars:not(.dx-groups) tr").all()
    return {row.locator("th").inner_text(): row.locator(".dx-number").inner_text() for row in rows}


def wait_settled(harness):
    """Until the page has the answer to its newest wish."""
    harness.page.wait_for_function(
        "() => { const s = Object.values(window.models).find((m) => m.state.scene).dnnexplainStore;"
        " return s.live.stamp >= s.stamp; }"
    )


def close_to(shown, exact):
    """Whether a shown probability is the exact one, as far as its three decimals go."""
    return (
        shown == "not possible"
        or (shown == "under 0.001" and exact < 0.001)
        or (shown == "over 0.999" and exact > 0.999)
        or np.isclose(float(shown), exact, atol=5.1e-4)
    )
