"""Read torch state dicts without running anything; programs and whole pickled modules are refused."""

from __future__ import annotations

import io
import pickle  # for the name of an error
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import open_zip

__all__ = ["OLD_TORCH", "read_state_dict"]

MOST_NUMBERS = 1 << 28
OLD_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How a torch file from before version 1.6 starts."""
INSTEAD = "save its weights instead: torch.save(module.state_dict(), path), or dnnexplain.policies.save(path, policy)"


def read_state_dict(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    """The weights in a torch file, by layer name.

    Args:
        path: for messages.
        data: its bytes.

    Raises:
        DnnExplainError: it is truncated, a program, a whole module, or holds no state dict.
    """
    _refuse_programs(path, data)
    try:
        found = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error) or "GLOBAL" in str(error):
            what = _unsupported(str(error))
            msg = f"{path} holds a whole pickled module ({what}): reading it would run its code; {INSTEAD}"
            raise DnnExplainError(msg) from None
        raise _damaged(path, error) from None
    except Exception as error:  # noqa: BLE001 - torch raises many kinds for a damaged file
        raise _damaged(path, error) from None
    return _tensors(path, found)


def _damaged(path: Path, error: Exception) -> DnnExplainError:
    reason = " ".join(str(error).split())[:100]
    return DnnExplainError(f"{path}: not a whole torch file (truncated or damaged: {reason}); copy it again")


def _unsupported(message: str) -> str:
    words = [word.strip("`.,") for word in message.split() if "." in word.strip("`.,") and "http" not in word]
    known = [word for word in words if word.replace(".", "").replace("_", "").isalnum() and "torch.load" not in word]
    return f"it asks for {known[0]}" if known else "it asks for code"


def _refuse_programs(path: Path, data: bytes) -> None:
    if not data.startswith(b"PK"):
        return
    with open_zip(data, path) as archive:
        names = archive.namelist()
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if any("/code/" in name or name.endswith("constants.pkl") for name in names):
        msg = f"{path} is a TorchScript program, and reading it would run its code; {INSTEAD}"
        raise DnnExplainError(msg)
    if not any(name.endswith("data.pkl") for name in names):
        msg = f"{path} is a zip archive without torch weights in it; {INSTEAD}"
        raise DnnExplainError(msg)
    if unpacked > 2 * len(data) + 1_000_000:
        msg = f"{path} unpacks to {unpacked / 1e6:.3g} MB, far above its size; torch never writes such a file"
        raise DnnExplainError(msg)


def _tensors(path: Path, found: Any) -> dict[str, torch.Tensor]:
    """The state dict in a torch file, also where a training loop put it beside other things."""
    for key in ("state_dict", "model_state_dict", "model", "policy"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if isinstance(found, list | tuple) and found and all(isinstance(part, Mapping) for part in found):
        # Some training loops save actor and critic as a list of state dicts.
        found = {f"{number}.{name}": item for number, part in enumerate(found) for name, item in part.items()}
    if (
        not isinstance(found, Mapping)
        or not found
        or not all(isinstance(item, torch.Tensor) for item in found.values())
    ):
        msg = f"{path} holds no state dict (layer names with their weights) but a {type(found).__name__}; {INSTEAD}"
        raise DnnExplainError(msg)
    if sum(item.numel() for item in found.values()) > MOST_NUMBERS:
        msg = f"{path} claims more than {MOST_NUMBERS:,} weights; a controller's network is far smaller"
        raise DnnExplainError(msg)
    if any(item.layout != torch.strided or item.is_quantized for item in found.values()):
        msg = f"{path} holds sparse or quantized weights; save them as plain float32: module.float().state_dict()"
        raise DnnExplainError(msg)
    return {str(name): item for name, item in found.items()}
