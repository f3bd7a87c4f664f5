"""Networks as graphs (``torch.fx``), while other threads run networks.

While it traces, ``torch.fx`` puts its own functions in place of ``Module.__call__`` and ``Module.__getattr__`` for
every thread. A network that another thread runs meanwhile, a panel's or another case's, would be taken for a part of
the one that is traced, and both would fail. So one network is traced at a time, and what other threads call is left alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from torch import fx, nn

from dnnexplain.contract import DnnExplainError

__all__ = ["traced"]

_ONE_AT_A_TIME = threading.RLock()


class _OfOneThread(fx.Tracer):
    """Writes down what its own thread calls."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A module of this thread is a step of the graph; those of others run."""
        if threading.get_ident() != self.thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """The same of parameters."""
        if threading.get_ident() != self.thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def traced(module: nn.Module) -> fx.GraphModule:
    """A network as a graph, in double precision.

    Raises:
        DnnExplainError: its steps depend on the numbers that run through it.
    """
    twin = deepcopy(module).eval().double()
    with _ONE_AT_A_TIME:
        try:
            return _graph(twin)
        except Exception as error:
            msg = f"{_culprit(twin)} does what cannot be written as a fixed list of operations, as a proof needs; violations are searched for, no more"
            raise DnnExplainError(msg) from error


def _graph(module: nn.Module) -> fx.GraphModule:
    tracer = _OfOneThread()
    graph = tracer.trace(module)
    return fx.GraphModule(tracer.root, graph, type(module).__name__)


def _culprit(module: nn.Module) -> str:
    """The innermost part that cannot be traced, by class and name."""
    for name, part in module.named_children():
        try:
            _graph(part)
        except Exception:  # noqa: BLE001 - whatever it is, this part is where it happens
            inner = _culprit(part) if any(True for _ in part.children()) else ""
            return inner if inner.startswith("the network's") else f"the network's {type(part).__name__} ({name})"
    return type(module).__name__
