"""Networks of Keras, read without Keras and without running anything: ``.keras`` (version 3) and ``.h5`` (versions 2 and 3).

Both hold the architecture as JSON and the weights as HDF5. Layers become torch's own (see ``_keras_graph``);
a layer that holds code (``Lambda``, a class of the user's own) is refused by its name.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.policies._keras_graph import Graph
from dnnexplain.policies._keras_layers import apply, call_arguments
from dnnexplain.reading import open_zip, parse_json

__all__ = ["HDF5", "is_keras_zip", "read_h5_weights", "read_keras"]

HDF5 = b"\x89HDF\r\n\x1a\n"
"""How an HDF5 file starts."""
MOST_NUMBERS = 1 << 28
MODELS = {"Sequential", "Functional", "Model"}

Config = Mapping[str, Any]


def is_keras_zip(names: list[str]) -> bool:
    """Whether an archive's members are those of a ``.keras`` file."""
    return {"config.json", "model.weights.h5"} <= set(names)


def read_keras(path: Path, data: bytes) -> nn.Module:
    """The network in a ``.keras`` or ``.h5`` file, in eval mode.

    Args:
        path: for messages.
        data: the file's bytes.

    Returns:
        A stack of dense layers as ``nn.Sequential``, anything else as a graph of layers; one tensor for one
        output, a tuple for several.

    Raises:
        DnnExplainError: damaged, weights without an architecture, or a layer that is not read; it is named.
    """
    try:
        if data.startswith(HDF5):
            return _legacy(path, data)
        return _packed(path, data)
    except DnnExplainError as error:
        msg = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise DnnExplainError(msg) from None
    except Exception as error:  # noqa: BLE001 - a damaged file may fail anywhere
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        msg = f"{path}: not a whole Keras network (truncated or damaged: {reason}); copy it again"
        raise DnnExplainError(msg) from None


def read_h5_weights(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    """All arrays of numbers in an HDF5 file, by their paths, in the file's order.

    Raises:
        DnnExplainError: damaged, or arrays that are no numbers or lie elsewhere.
    """
    try:
        reader = _Hdf5(data)
        return {name: reader.array(reader.root[name]) for name in reader.names()}
    except DnnExplainError as error:
        msg = f"{path}: {error}"
        raise DnnExplainError(msg) from None
    except Exception as error:  # noqa: BLE001 - a damaged file may fail anywhere
        msg = (
            f"{path}: not a whole HDF5 file (truncated or damaged: {' '.join(str(error).split())[:80]}); copy it again"
        )
        raise DnnExplainError(msg) from None


def _packed(path: Path, data: bytes) -> nn.Module:
    with open_zip(data, path) as archive:
        config = parse_json(archive.read("config.json").decode("utf-8"), f"{path} (its config.json)")
        packed = archive.read("model.weights.h5")
        text = archive.read("metadata.json").decode("utf-8") if "metadata.json" in archive.namelist() else "{}"
    version = str((parse_json(text, f"{path} (its metadata.json)") or {}).get("keras_version", "3"))
    return _network(config, _Numbered(_Hdf5(packed)), version)


def _legacy(path: Path, data: bytes) -> nn.Module:
    reader = _Hdf5(data)
    said = reader.root.attrs.get("model_config")
    if said is None:
        msg = (
            f"{path} holds weights without the architecture; save the whole network, model.save('name.keras'), or make it "
            "as a torch module and pass it: load_any(path, system, module=...)"
        )
        raise DnnExplainError(msg)
    text = said.decode("utf-8") if isinstance(said, bytes) else str(said)
    holder = reader.group(reader.root, "model_weights")
    version = _text(holder.attrs.get("keras_version", reader.root.attrs.get("keras_version", "2")))
    return _network(parse_json(text, f"{path} (its model_config)"), _Named(reader, holder), version)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


# --- HDF5, bounded ------------------------------------------------------------------------------


class _Hdf5:
    """An HDF5 file in memory; links to elsewhere are refused, and shapes are bounded before they are read."""

    def __init__(self, data: bytes) -> None:
        import h5py  # noqa: PLC0415 - slow to import, and few need it

        self.h5py, self.root, self.read = h5py, h5py.File(io.BytesIO(data), "r"), 0

    def group(self, group: Any, name: str) -> Any:
        """What lies under a name of a group.

        Raises:
            DnnExplainError: nothing does, or a link to another file.
        """
        link = group.get(name, getlink=True) if "/" not in name else None
        if isinstance(link, self.h5py.ExternalLink | self.h5py.SoftLink):
            msg = f"it refers to {link.path!r} elsewhere; save the network whole"
            raise DnnExplainError(msg)
        member = group.get(name)
        if member is None:
            msg = f"it holds no weights for {name!r} (truncated or damaged); copy it again"
            raise DnnExplainError(msg)
        return member

    def array(self, dataset: Any) -> torch.Tensor:
        """A dataset's numbers as float32."""
        if not isinstance(dataset, self.h5py.Dataset) or dataset.is_virtual or dataset.external:
            msg = "its weights lie in another file, or are no arrays; save the network whole"
            raise DnnExplainError(msg)
        self.read += int(np.prod(dataset.shape, dtype=object))
        if dataset.dtype.kind not in "fiu" or self.read > MOST_NUMBERS:
            msg = f"it claims more than {MOST_NUMBERS:,} weights, or weights that are no numbers ({dataset.dtype})"
            raise DnnExplainError(msg)
        return torch.from_numpy(np.array(dataset[()], dtype=np.float32))

    def names(self) -> list[str]:
        """The paths of all datasets."""
        listed: list[str] = []

        def keep(name: str, item: Any) -> None:
            if isinstance(item, self.h5py.Dataset):
                listed.append(name)

        self.root.visititems(keep)
        return listed


class _Numbered:
    """Weights of a ``.keras`` file: a group for each layer, named by its class, with arrays by number."""

    def __init__(self, reader: _Hdf5, group: Any = None, layers: Sequence[Config] = ()) -> None:
        self.reader, self.root = reader, reader.root if group is None else group
        self.places: dict[str, str] = {}
        used: Counter[str] = Counter()
        for layer in layers:
            stem = _snake(str(layer["class_name"]))
            self.places[_name_of(layer)] = f"{stem}_{used[stem]}" if used[stem] else stem
            used[stem] += 1

    def of(self, layers: Sequence[Config]) -> _Numbered:
        """The same, for the layers of the model that lies here."""
        return _Numbered(self.reader, self.root, layers)

    def _at(self, name: str) -> Any:
        holder = "_layer_checkpoint_dependencies" if "_layer_checkpoint_dependencies" in self.root else "layers"
        return self.reader.group(self.reader.group(self.root, holder), self.places[name])

    def model(self, name: str) -> _Numbered:
        """Of a model within this one."""
        return _Numbered(self.reader, self._at(name))

    def layer(self, name: str) -> list[torch.Tensor]:
        """A layer's arrays in the order in which it made them, those of its cell after its own."""
        arrays: list[torch.Tensor] = []
        here = self._at(name)
        for group in (here, here.get("cell") if "cell" in here else None):
            if group is not None and "vars" in group:
                inner = group["vars"]
                text = _text(inner.attrs.get("name", name))
                if group is here and text != name:
                    msg = f"the weights of {text!r} stand where those of {name!r} belong; was the file altered?"
                    raise DnnExplainError(msg)
                arrays += [self.reader.array(self.reader.group(inner, key)) for key in sorted(inner, key=int)]
        return arrays


class _Named:
    """Weights of an ``.h5`` file: a group for each outer layer, with the names of its arrays in their order."""

    def __init__(self, reader: _Hdf5, root: Any, outer: tuple[str, ...] = ()) -> None:
        self.reader, self.root, self.outer = reader, root, outer

    def of(self, _: Sequence[Config]) -> _Named:
        """The same: names are whole here."""
        return self

    def model(self, name: str) -> _Named:
        """Of a model within this one."""
        return _Named(self.reader, self.root, (*self.outer, name))

    def layer(self, name: str) -> list[torch.Tensor]:
        """A layer's arrays in the order of their names; within an inner model, those that carry its name."""
        group = self.reader.group(self.root, self.outer[0] if self.outer else name)
        names = [_text(entry) for entry in _listed(group, "weight_names")]
        if self.outer:
            names = [entry for entry in names if name in entry.split("/")[:-1]]
        arrays = []
        for item in names:
            here = group
            for part in item.split("/"):
                here = self.reader.group(here, part)
            arrays.append(self.reader.array(here))
        return arrays


def _listed(group: Any, name: str) -> list[Any]:
    """An attribute that holds names; long ones are cut into numbered parts."""
    if name in group.attrs:
        return list(group.attrs[name])
    rows: list[Any] = []
    while f"{name}{len(rows)}" in group.attrs and len(rows) < 10_000:
        rows.append(list(group.attrs[f"{name}{len(rows)}"]))
    return [item for part in rows for item in part]


def _snake(name: str) -> str:
    """A class's name as Keras writes it in paths: ``LeakyReLU`` is ``leaky_re_lu``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


# --- the architecture ---------------------------------------------------------------------------


def _network(config: Any, weights: _Numbered | _Named, version: str) -> nn.Module:
    if not isinstance(config, Mapping) or config.get("class_name") not in MODELS:
        what = config.get("class_name") if isinstance(config, Mapping) else type(config).__name__
        msg = (
            f"it is a {what}, a class of its author's; read are Sequential and Functional networks: build the same layers "
            "with keras.Sequential or keras.Model(inputs, outputs), set their weights, and save that"
        )
        raise DnnExplainError(msg)
    graph = Graph(version.startswith(("1", "2")))
    source = graph.source(_shape(config))
    return graph.finish(source, _outputs(graph, config["config"], weights, [source]))


def _outputs(graph: Graph, config: Any, weights: _Numbered | _Named, given: list[str]) -> list[str]:
    """The values that a model makes of those it is given, as steps of the graph."""
    layers = list(config) if isinstance(config, list) else list(config["layers"])
    inside = weights.of(layers)
    if isinstance(config, list) or "output_layers" not in config:
        values = given
        for layer in layers:
            values = _call(graph, layer, inside, values)
        return values
    return _functional(graph, config, layers, inside, given)


def _functional(
    graph: Graph, config: Config, layers: list[Config], weights: _Numbered | _Named, given: list[str]
) -> list[str]:
    sources = _references(config["input_layers"])
    if len(sources) != len(given):
        names = ", ".join(str(source[0]) for source in sources)
        msg = f"it has {counted(len(sources), 'input')} ({names}); a policy takes one, the observation"
        raise DnnExplainError(msg)
    made: dict[tuple[str, int, int], str] = dict(zip(sources, given, strict=True))
    nodes = [
        (layer, place, node)
        for layer in layers
        for place, node in enumerate(layer.get("inbound_nodes") or (), _first_call(layer, config))
    ]
    while nodes:
        left = []
        for layer, place, node in nodes:
            wanted, options = call_arguments(node)
            if all(item in made for item in wanted if isinstance(item, tuple)):
                values = [made[item] if isinstance(item, tuple) else graph.number(item) for item in wanted]
                call = _call(graph, layer, weights, values, options)
                made.update({(_name_of(layer), place, index): value for index, value in enumerate(call)})
            else:
                left.append((layer, place, node))
        if len(left) == len(nodes):
            msg = f"nothing makes what its layer {_name_of(left[0][0])!r} takes (truncated or damaged); copy it again"
            raise DnnExplainError(msg)
        nodes = left
    return [made[problem] for problem in _references(config["output_layers"])]


def _first_call(layer: Config, config: Config) -> int:
    """The number by which the first call of a layer is referred to.

    A model within a model was called once when it was made; version 2 counts that call and does not write it down.
    """
    calls = len(layer.get("inbound_nodes") or ())
    if layer["class_name"] not in MODELS or not calls:
        return 0
    taken = [call_arguments(node)[0] for other in config["layers"] for node in other.get("inbound_nodes") or ()]
    named = [item for items in (*taken, _references(config["output_layers"])) for item in items]
    numbers = [item[1] for item in named if isinstance(item, tuple) and item[0] == _name_of(layer)]
    return max(0, max(numbers, default=0) - (calls - 1))


def _references(links: Any) -> list[tuple[str, int, int]]:
    """``["dense", 0, 0]``, a list of such, or a mapping to such, as keys of values."""
    if isinstance(links, Mapping):
        links = list(links.values())
    if links and isinstance(links[0], str):
        links = [links]
    return [(str(name), int(node), int(index)) for name, node, index in (item[:3] for item in links)]


def _call(
    graph: Graph, layer: Config, weights: _Numbered | _Named, values: list[str], options: Config | None = None
) -> list[str]:
    kind, name = str(layer["class_name"]), _name_of(layer)
    if kind == "InputLayer":
        return values
    if kind in MODELS:
        return _outputs(graph, layer["config"], weights.model(name), values)
    return apply(graph, kind, name, {**layer["config"], **(options or {})}, values, lambda: weights.layer(name))


def _name_of(layer: Config) -> str:
    return str(layer["config"]["name"] if isinstance(layer["config"], Mapping) else layer.get("name"))


def _shape(config: Config) -> list[int]:
    """One observation's shape, from the first layer that says it.

    Raises:
        DnnExplainError: none does, or a size is left open.
    """
    inner = config["config"]
    layers = inner if isinstance(inner, list) else inner["layers"]
    first = layers[0] if layers else {"config": {}}
    if first.get("class_name") in MODELS:
        return _shape(first)
    said = [
        first["config"].get("batch_shape"),
        first["config"].get("batch_input_shape"),
        None if isinstance(inner, list) else inner.get("build_input_shape"),
        (first.get("build_config") or {}).get("input_shape"),
    ]
    shape = next((item for item in said if isinstance(item, list) and len(item) > 1), None)
    if shape is None or any(size is None for size in shape[1:]):
        msg = "it leaves the shape of its input open; build it, model.build((None, 4)), and save it again"
        raise DnnExplainError(msg)
    return [int(size) for size in shape[1:]]
