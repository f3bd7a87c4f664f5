"""A ring of four cities, drawn routers on it, and what a user does with a panel: shared by the panels' tests."""

from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.networks import dote

__all__ = ["CASES", "RING", "answer", "drawn_router", "press"]

RING = RoutingSystem("ring-4", 2)
CASES = RoutingSystem("ring-4", 2, 2, routed=True)


def drawn_router(history=0, seed=3):
    """An untrained router that sees the matrix to route, or the last ``history`` ones."""
    small = RoutingSystem("ring-4", 2, history)
    return TorchPolicy(dote(small, hidden=(16,), seed=seed), small, name=f"drawn-{history}")


def answer(panel, **answers):
    panel.answers = {**panel.answers, **answers}


def press(panel, name):
    panel.presses = {**panel.presses, name: panel.presses.get(name, 0) + 1}
