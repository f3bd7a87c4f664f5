"""Policies on constant links: maps against rules' own formulas and single decisions, sessions against the link."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, state_from_values
from dnnexplain.explain import decide
from dnnexplain.policies import load_shipped
from dnnexplain.systems import make_system
from dnnexplain.systems.abr import constant_link_map, constant_link_sessions

RATES, BUFFERS = np.array([0.2, 0.5, 1.0, 1.5, 2.5, 4.0, 6.0]), np.array([2.0, 6.0, 10.0, 14.0, 20.0, 60.0])


@pytest.fixture(scope="module")
def abr():
    return make_system("abr")


def test_the_buffer_based_rule_shows_its_reservoir_and_cushion(abr):
    found = constant_link_map(abr, abr.rules()["bb"], RATES, BUFFERS)
    expected = np.where(BUFFERS < 5, 0, np.where(BUFFERS >= 15, 5, (5 * (BUFFERS - 5) / 10).astype(int)))
    assert (found == expected).all()


def test_the_rate_based_rule_shows_the_highest_bitrate_below_the_throughput(abr):
    found = constant_link_map(abr, abr.rules()["rb"], RATES, BUFFERS)
    ladder = abr.video.bitrates / 1000
    assert (found == np.array([max(int((ladder <= rate).sum()) - 1, 0) for rate in RATES])[:, None]).all()


def test_a_cell_is_the_decision_in_the_state_that_it_stands_for(abr):
    network = load_shipped(abr, "default")
    found = constant_link_map(abr, network, RATES, BUFFERS, last=1200.0)
    assert len(np.unique(found)) > 3
    for row, column in ((1, 1), (3, 2), (4, 4), (6, 0)):
        rate, size = RATES[row], 1.2 * abr.video.seconds
        past = {f"throughput {n}": rate for n in range(1, 9)} | {f"download time {n}": size / rate for n in range(1, 9)}
        state = state_from_values(abr, {"last bitrate": 1200.0, "buffer": BUFFERS[column], **past})
        assert found[row, column] == decide(abr, network, state).action


def test_sessions_use_the_link_that_is_named(abr):
    rules = abr.rules()
    chosen = constant_link_sessions(abr, rules["rb"], [0.4, 2.2, 6.0])
    assert chosen.shape == (3, abr.video.chunks)
    assert chosen[:, 10:].max(axis=1).tolist() == [0, 3, 5]  # 95% of a link carries video, less 80 ms a request
    assert (constant_link_sessions(abr, rules["fixed"], [1.0, 3.0])[:, 1:] == 0).all()
    assert (np.diff(constant_link_sessions(abr, rules["bb"], [2.2])[0, 24:]) != 0).sum() > 4


@pytest.mark.parametrize("rates", [[0.0], [-1.0], [np.nan], [1e6]])
def test_what_is_no_throughput_is_refused(abr, rates):
    with pytest.raises(DnnExplainError, match=r"throughputs of constant links .* Mb/s"):
        constant_link_map(abr, abr.rules()["bb"], rates, [10.0])


def test_what_is_no_buffer_is_refused(abr):
    with pytest.raises(DnnExplainError, match=r"buffers of constant links .* from 0 to 60 s"):
        constant_link_map(abr, abr.rules()["bb"], [1.0], [61.0])
