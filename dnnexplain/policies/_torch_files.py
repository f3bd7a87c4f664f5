"""Read torch state dicts without running anything; programs and whole pickled modules are refused."""

from __future__ import annotations

import io
import pickle  # for the name of an error
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import open_zip

__all__ = ["OLD_TORCH", "Listed", "part_of", "read_arrays", "read_state_dict"]

MOST_NUMBERS = 1 << 28
KEYS = ("state_dict", "model_state_dict", "model", "policy")
"""Under which training loops put a network beside other things."""
OLD_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How a torch file from before version 1.6 starts."""
INSTEAD = "save its weights instead: torch.save(module.state_dict(), path), or dnnexplain.policies.save(path, policy)"


def read_state_dict(path: Path, data: bytes, key: str | None = None) -> dict[str, torch.Tensor]:
    """The weights in a torch file, by layer name.

    Args:
        path: for messages.
        data: its bytes.
        key: under which they lie in a checkpoint of several networks: ``"actor"``, ``"agent.actor"``.

    Raises:
        DnnExplainError: it is truncated, a program, a whole module, or holds no state dict.
    """
    _refuse_programs(path, data)
    try:
        loaded = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error) or "GLOBAL" in str(error):
            what = _unsupported(str(error))
            msg = (
                f"{path} holds more than weights, usually a whole module pickled by torch.save(module, path) ({what}), and "
                f"reading it would run code: where the module is at hand, {INSTEAD}"
            )
            raise DnnExplainError(msg) from None
        raise _damaged(path, error) from None
    except Exception as error:  # noqa: BLE001 - torch raises many kinds for a damaged file
        raise _damaged(path, error) from None
    return _tensors(path, loaded, key)


def _damaged(path: Path, error: Exception) -> DnnExplainError:
    reason = " ".join(str(error).split())[:100]
    return DnnExplainError(f"{path}: not a whole torch file (truncated or damaged: {reason}); copy it again")


def _unsupported(message: str) -> str:
    """The name that the file asks for, in torch's message; versions and addresses in it are none."""
    names = re.findall(r"(?<![\w./])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", message)
    known = [
        name for name in names if not name.startswith(("torch.load", "torch.serialization", "www.", "pytorch.org"))
    ]
    return f"it asks for {known[0]}" if known else "it asks for code"


def read_arrays(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    """The arrays of numpy's ``.npz`` as a state dict.

    Raises:
        DnnExplainError: damaged, arrays of objects (which are pickles), or arrays without names.
    """
    with open_zip(data, path):  # its bounds
        pass
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            tensors = {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}
    except Exception as error:  # noqa: BLE001 - a damaged member may raise nearly anything
        msg = f"{path}: its arrays cannot be read ({' '.join(str(error).split())[:100]}); save numbers: np.savez(path, **arrays)"
        raise DnnExplainError(msg) from None
    if any(re.fullmatch(r"arr_\d+", name) for name in tensors):
        msg = (
            f"{path} holds arrays without names ({', '.join(list(tensors)[:4])}), which do not say what layer each belongs to; name "
            "them as torch does: np.savez(path, **{'0.weight': w0, '0.bias': b0, '2.weight': w1, '2.bias': b1}), weights as "
            "[outputs, inputs]"
        )
        raise DnnExplainError(msg)
    return tensors


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


def _tensors(path: Path, loaded: Any, key: str | None) -> dict[str, torch.Tensor]:
    """The state dict in a torch file, also where a training loop put it among other things."""
    if key is None and _is_listed(loaded):
        return Listed.of(loaded)
    parts = dict(_state_dicts(loaded, ""))
    if not parts:
        raise _no_state_dict(path, loaded)
    if key is not None and key not in parts:
        inside = _parts_inside(parts, key)
        if len(inside) != 1:
            raise Choice(f"state dict in {path} under the key", key, tuple(inside) or _keys(parts)).error()
        parts = {key: next(iter(inside.values()))}
    likely = [name for name in parts if name in KEYS] or [name for name in parts if "optim" not in name]
    if key is None and len(likely) > 1 and "" not in parts:
        msg = f"{path} holds several networks ({', '.join(map(repr, likely[:8]))}); say which: key={likely[0]!r}"
        raise DnnExplainError(msg)
    if not (likely or key):
        raise _no_state_dict(path, loaded)
    chosen = parts[key if key is not None else "" if "" in parts else likely[0]]
    if sum(item.numel() for item in chosen.values()) > MOST_NUMBERS:
        msg = f"{path} claims more than {MOST_NUMBERS:,} weights; a controller's network is far smaller"
        raise DnnExplainError(msg)
    if any(item.is_meta for item in chosen.values()):
        msg = (
            f"{path} holds shapes without numbers (torch's meta tensors); save the module after its weights were loaded"
        )
        raise DnnExplainError(msg)
    if name := _quantised(chosen):
        raise _no_gradient(path, name)
    if any(item.layout != torch.strided for item in chosen.values()):
        msg = f"{path} holds sparse weights; save them in full: torch.save({{n: w.to_dense() for n, w in module.state_dict().items()}}, path)"
        raise DnnExplainError(msg)
    return chosen


class Listed(dict[str, torch.Tensor]):
    """State dicts of a list, as some training loops save actor and critic, their names behind their numbers.

    A system may know them together, and a module may have them all; else one of them is to be chosen.
    """

    count = 0

    @classmethod
    def of(cls, parts: Sequence[Mapping[str, torch.Tensor]]) -> Listed:
        """State dicts by number: ``0.weight``."""
        listed = cls({f"{number}.{name}": item for number, part in enumerate(parts) for name, item in part.items()})
        listed.count = len(parts)
        return listed

    def check_single(self, path: Path) -> None:
        """That there is one of them.

        Raises:
            DnnExplainError: there are more.
        """
        if self.count > 1:
            msg = f"{path} holds a list of {counted(self.count, 'state dict')}, which does not say what each is; say which by its number: key='0' (--key 0)"
            raise DnnExplainError(msg)


def _is_listed(loaded: Any) -> bool:
    """Whether it is a list of state dicts, of plain weights alone."""
    return (
        isinstance(loaded, list | tuple)
        and len(loaded) > 0
        and all(isinstance(part, Mapping) and part for part in loaded)
        and not any(_quantised(part) for part in loaded)
        and all(isinstance(item, torch.Tensor) for part in loaded for item in part.values())
    )


def _quantised(loaded: Any, depth: int = 0) -> str:
    """The name of a weight that torch keeps as whole numbers with a scale, wherever it lies; empty if there is none."""
    for name, item in _items(loaded) if depth <= _DEEPEST else ():
        if (isinstance(item, torch.Tensor) and item.is_quantized) or str(name).endswith("_packed_params"):
            return str(name)
        if inside := _quantised(item, depth + 1):
            return f"{name}.{inside}"
    return ""


def _no_gradient(path: Path, name: str) -> DnnExplainError:
    return DnnExplainError(
        f"{path} holds quantised weights (whole numbers with a scale: {name}), which have no gradient to explain; save the "
        "network as it was before it was quantised: torch.save(float_module.state_dict(), path)"
    )


def _no_state_dict(path: Path, loaded: Any) -> DnnExplainError:
    """That there is no state dict, and what there is."""
    if name := _quantised(loaded):
        return _no_gradient(path, name)
    what = f"a {type(loaded).__name__}"
    if isinstance(loaded, list | tuple) and loaded and all(isinstance(item, torch.Tensor) for item in loaded):
        what += f" of {counted(len(loaded), 'tensor')} without names, which does not say what layer each belongs to"
    return DnnExplainError(f"{path} holds no state dict (layer names with their weights) but {what}; {INSTEAD}")


def part_of(path: Path, weights: Mapping[str, torch.Tensor], key: str) -> dict[str, torch.Tensor]:
    """The weights whose names have a key as a component, without what stands before.

    Raises:
        DnnExplainError: there are none, or several such parts.
    """
    inside = _parts_inside({"": dict(weights)}, key)
    if len(inside) != 1:
        raise Choice(f"part of {path} under the key", key, tuple(inside) or _keys({"": dict(weights)})).error()
    return next(iter(inside.values()))


def _parts_inside(parts: Mapping[str, dict[str, torch.Tensor]], key: str) -> dict[str, dict[str, torch.Tensor]]:
    """The weights whose names have a key as a component, by the whole name up to it: ``actor.`` of ``model.actor.0.bias``."""
    parts_inside: dict[str, dict[str, torch.Tensor]] = {}
    for part, weights in parts.items():
        whole = f"{key}.".removeprefix(f"{part}.")  # "model.actor" names the part of "model", too
        for name, weight in weights.items():
            before, middle, after = f".{name}".partition(f".{whole}")
            if middle:
                parts_inside.setdefault(f"{part}{before}.{whole}".strip("."), {})[after] = weight
    return parts_inside


def _keys(parts: Mapping[str, dict[str, torch.Tensor]]) -> tuple[str, ...]:
    """The keys that there are, those of parts inside one state dict too."""
    inside = [name.split(".")[0] for weights in parts.values() for name in weights if name.count(".") > 1]
    return tuple(dict.fromkeys([*(part for part in parts if part), *inside])) or ("none",)


_DEEPEST = 4


def _items(loaded: Any) -> Iterable[tuple[Any, Any]]:
    """What lies in a mapping or a list, by its name or number; nothing of anything else."""
    if isinstance(loaded, Mapping):
        return loaded.items()
    return enumerate(loaded) if isinstance(loaded, list | tuple) else ()


def _state_dicts(loaded: Any, key: str, depth: int = 0) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Every mapping from names to tensors, by its key: ``"state_dict"``, ``"agent.actor"``, ``"networks.0"``."""
    if depth > _DEEPEST:
        return
    if isinstance(loaded, Mapping) and loaded and all(isinstance(item, torch.Tensor) for item in loaded.values()):
        yield key, {str(name): item for name, item in loaded.items()}
        return
    for name, item in _items(loaded):
        yield from _state_dicts(item, f"{key}.{name}".lstrip("."), depth + 1)
