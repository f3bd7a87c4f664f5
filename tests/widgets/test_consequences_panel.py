"""The panel of what would follow each action."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import Continuing, State
from dnnexplain.explain.decisions.consequences import Consequence, Consequences
from dnnexplain.intervals import mean_interval
from dnnexplain.policies import named_policy
from dnnexplain.registry import make_system
from dnnexplain_widgets.headlines import headline
from dnnexplain_widgets.panels.consequences import ConsequencesPanel, differences, table
from dnnexplain_widgets.sections import SECTIONS
from tests.fakes import FakeChoice


@pytest.fixture(scope="module")
def panel() -> Any:
    system = make_system("cellular")
    made = ConsequencesPanel(system, named_policy(system, "never"))
    made.set_answers(sets=3)
    yield made
    made.close()


def found(called: str = "cost", **costs: list[float]) -> Consequences:
    """What followed actions of these costs; the first was chosen."""
    first = np.array(next(iter(costs.values())))
    actions = tuple(
        Consequence(
            place,
            name,
            {"cost": mean_interval(np.array(run)), "gain": mean_interval(-np.array(run)), "stalls": mean_interval(2 * np.array(run))},
            {
                "cost": mean_interval(np.array(run) - first),
                "gain": mean_interval(first - np.array(run)),
                "stalls": mean_interval(2 * (np.array(run) - first)),
            },
        )
        for place, (name, run) in enumerate(costs.items())
    )  # fmt: skip
    return Consequences("mine", 0, called, len(first), "", actions)


def test_what_is_cancelled_leaves_nothing(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    system = panel.session.system
    once = system.continued

    def cancelling(*given: Any, **named: Any) -> Any:
        panel.jobs.cancel()
        return once(*given, **named)

    monkeypatch.setattr(system, "continued", cancelling)
    panel.on_press("run")
    assert panel.jobs.wait(60)
    assert panel.result is None
    assert panel.figure == {}


def test_each_action_has_a_row_that_is_the_explainer_s(panel: Any) -> None:
    panel.on_press("run")
    assert panel.jobs.wait(60)
    assert not panel.error
    answer = panel.result
    assert panel.sentence == answer.sentence()
    assert panel.figure["notes"] == [answer.assumed]
    rows = panel.figure["ranges"]["rows"]
    assert len(rows) == len(answer.actions) == len(panel.figure["cells"]["rows"]) > 2
    assert all(0 <= row["low"] <= row["value"] <= row["high"] <= 1 for row in rows)
    assert panel.figure["cells"]["rows"][0]["label"].endswith("(chosen)")
    before = panel.figure["ranges"]["caption"]
    panel.set_answers(figure="gained volume")
    assert panel.figure["ranges"]["caption"] != before
    assert not panel.outdated, "another picture of the same answer makes nothing old"
    state = panel.session.state
    panel.session.state = State(panel.session.system.repair(state.values[None] * 0.5)[0])
    assert "earlier answer" in panel.outdated["text"]


def test_a_difference_is_shaded_by_whether_it_is_worse_and_bracketed_where_it_is_none() -> None:
    answer = found(
        stay=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        up=[2.1, 3.0, 4.2, 5.0, 6.3, 7.0, 8.1, 9.4],
        down=[1.5, 1.0, 3.9, 3.5, 5.2, 5.5, 7.4, 7.1],
    )
    drawn = table(
        answer, {"cost": "cost", "gain": "what is gained", "stalls": "stalls"}, {"cost": True, "stalls": False}
    )
    assert drawn["columns"] == ["cost", "stalls"], "a gain that is the cost with the other sign says nothing more"
    stay, up, down = drawn["rows"]
    assert "shade" not in stay["cells"][0]
    assert up["cells"][0]["shade"] > 0 > up["cells"][1]["shade"]
    assert down["cells"][0]["text"].startswith("(")
    rows = differences(answer, "cost", {"cost": "cost"})["rows"]
    assert rows[1]["value"] > rows[0]["value"]


def test_what_is_earned_is_told_with_its_own_sign() -> None:
    runs = {"stay": [-9.0, -8.0, -7.0, -9.5, -8.5, -7.5], "up": [-7.0, -6.4, -5.1, -7.2, -7.3, -6.05]}
    answer = found("minus QoE", **runs)
    gap = answer.of(1).against["cost"]
    assert gap.low > 0
    shown = answer.as_read(gap)
    assert shown.three == (-gap.mean, -gap.high, -gap.low)
    assert answer.as_read(gap, "stalls") == gap
    assert "stay is better than any other action" in answer.sentence().lower()
    assert " in QoE (" in answer.sentence()
    assert "minus QoE" not in answer.sentence()
    said, words = headline(answer)
    assert said.startswith("\N{MINUS SIGN}")
    assert words.startswith("QoE after up")
    chosen, other = table(answer, {"cost": "QoE"}, {})["rows"]
    assert chosen["cells"][0]["text"] == "8.25"
    assert other["cells"][0]["text"].startswith("-")
    assert other["cells"][0]["shade"] > 0, "less is earned: worse"
    stay, up = differences(answer, "cost", {"cost": "QoE"})["rows"]
    assert up["value"] < stay["value"]


def test_where_futures_differ_by_the_same_no_interval_is_made_up() -> None:
    answer = found(stay=[1.0, 2.0, 3.0, 4.0], up=[1.5, 2.5, 3.5, 4.5])
    assert "+0.5 in cost over 4 futures" in answer.sentence()
    assert "no interval (none of 4 workloads differs" in answer.sentence()
    assert headline(answer) == ("+0.5", "cost after up instead of stay")
    assert not table(answer, {"cost": "cost"}, {})["rows"][1]["cells"][0]["text"].startswith("(")
    assert headline(found(stay=[1.0, 2.0])) == ("", "")


def test_it_is_offered_to_systems_that_go_on_from_a_state() -> None:
    entry = next(one for section in SECTIONS for one in section.entries if one.name == "ConsequencesPanel")
    offered = [name for name in ("abr", "cellular", "cran", "deeprm", "routing") if entry.fits(make_system(name))]
    assert offered == [name for name in offered if isinstance(make_system(name), Continuing)]
    assert "abr" in offered
    assert not entry.fits(FakeChoice())
