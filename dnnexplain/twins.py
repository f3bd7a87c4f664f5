"""Copies of networks that run beside one another on the same weights: hooks are their own, memory is not.

A network may have a hundred megabytes, and a page several that use it at once. What must not be shared
between them is a module's hooks and modes; its weights are only read.
"""

from __future__ import annotations

import copy
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from dnnexplain.contract import Policy

__all__ = ["memo_for", "same_weights", "worker_copy"]

_FOR_WORKER: ContextVar[bool] = ContextVar("for_worker", default=False)


def same_weights(module: nn.Module) -> dict[int, Any]:
    """A memo for ``copy.deepcopy(module, memo)``: parameters and buffers of the copy lie in the same memory.

    They are objects of the copy's own, so its ``requires_grad_``, ``double`` or ``load_state_dict(assign=True)`` leave
    the original alone; what writes *into* them does not, and must take a plain copy.
    """
    import torch  # noqa: PLC0415 - heavy
    from torch import nn  # noqa: PLC0415

    memo: dict[int, Any] = {}
    for weight in module.parameters():
        if type(weight) is nn.Parameter:
            memo[id(weight)] = nn.Parameter(weight.detach(), requires_grad=weight.requires_grad)
    for value in module.buffers():
        if type(value) is torch.Tensor:
            memo[id(value)] = value.detach()
    return memo


def memo_for(module: nn.Module) -> dict[int, Any]:
    """The memo with which a policy copies its network: empty, or that of :func:`same_weights` inside :func:`worker_copy`."""
    return same_weights(module) if _FOR_WORKER.get() else {}


def worker_copy(policy: Policy) -> Policy:
    """A policy for another thread: its own network, for hooks are not thread-safe, on the same weights."""
    given: Any = policy
    token = _FOR_WORKER.set(True)
    try:
        twin: Policy = given.copy() if hasattr(given, "copy") else copy.deepcopy(given)
    finally:
        _FOR_WORKER.reset(token)
    return twin
