"""Networks as policies: wrap a torch module, load and save weights, make networks, write model cards.

Names are imported when first asked for, so that ``import dnnexplain.policies`` stays free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dnnexplain.policies._model_card import model_card, write_model_card
    from dnnexplain.policies._shipped import read_metadata, shipped
    from dnnexplain.policies._untrained import untrained
    from dnnexplain.policies.checkpoints import load, load_any, load_shipped, save
    from dnnexplain.policies.legacy_pickle import load_legacy
    from dnnexplain.policies.named import load_for, named_policy, shipped_roles
    from dnnexplain.policies.networks import NETWORKS, convnet, hidden_layers, layer_shapes, mlp
    from dnnexplain.policies.onnx_files import read_onnx, save_onnx
    from dnnexplain.policies.torch_policy import TorchPolicy, weights_hash

__all__ = [
    "NETWORKS",
    "TorchPolicy",
    "convnet",
    "hidden_layers",
    "layer_shapes",
    "load",
    "load_any",
    "load_for",
    "load_legacy",
    "load_shipped",
    "mlp",
    "model_card",
    "named_policy",
    "read_metadata",
    "read_onnx",
    "save",
    "save_onnx",
    "shipped",
    "shipped_roles",
    "untrained",
    "weights_hash",
    "write_model_card",
]

_WHERE = {
    "_shipped": ("read_metadata", "shipped"),
    "checkpoints": ("load", "load_any", "load_shipped", "save"),
    "legacy_pickle": ("load_legacy",),
    "_model_card": ("model_card", "write_model_card"),
    "named": ("load_for", "named_policy", "shipped_roles"),
    "networks": ("NETWORKS", "convnet", "hidden_layers", "layer_shapes", "mlp"),
    "onnx_files": ("read_onnx", "save_onnx"),
    "torch_policy": ("TorchPolicy", "weights_hash"),
    "_untrained": ("untrained",),
}


def __getattr__(name: str) -> Any:
    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
