"""Networks as policies: wrap a torch module, load and save weights, draw actions.

Names are imported when first asked for, so that ``import dnnexplain.policies`` stays free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "TorchPolicy": "torch_policy",
    "weights_hash": "torch_policy",
}

__all__ = ["TorchPolicy", "weights_hash"]  # noqa: F822 - resolved by __getattr__


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
