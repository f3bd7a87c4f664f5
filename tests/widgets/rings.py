"""A ring of four cities, drawn routers on it, and what a user does with a panel: shared by the panels' tests."""

import numpy as np

from dnnexplain.contract import State
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.networks import dote
from dnnexplain_widgets import Session

__all__ = ["CASES", "RING", "answer", "deep_session", "drawn_router", "press"]

RING = RoutingSystem("ring-4", 2)
CASES = RoutingSystem("ring-4", 2, 2, routed=True)


def drawn_router(history=0, seed=3):
    """An untrained router that sees the matrix to route, or the last ``history`` ones."""
    small = RoutingSystem("ring-4", 2, history)
    return TorchPolicy(dote(small, hidden=(16,), seed=seed), small, name=f"drawn-{history}")


def deep_session():
    """A session on the ring, in drawn traffic, with an untrained router of two hidden layers that sees the past."""
    small = RoutingSystem("ring-4", 2, 2)
    policy = CASES.seen_by(TorchPolicy(dote(small, hidden=(16, 8), seed=3), small, name="drawn"))
    start = CASES.repair(np.random.default_rng(4).random((1, len(CASES.knobs))) * 0.2 * CASES.cap)[0]
    return Session(CASES, policy, State(start))


def answer(panel, **answers):
    panel.answers = {**panel.answers, **answers}


def press(panel, name):
    panel.presses = {**panel.presses, name: panel.presses.get(name, 0) + 1}
