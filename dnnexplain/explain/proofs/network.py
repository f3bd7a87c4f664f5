"""A network inside a program: what straight lines do is kept as linear forms, each bend becomes a value.

The network is traced (``torch.fx``) and run on *forms*: a tensor ``[1 + V, ...]`` whose first row is the constant
and whose others say what each value of the program adds. Operations of straight lines are run by torch itself on
these rows; a ReLU, leaky ReLU or max-pool adds values, after its inputs have been bounded by intervals and, where
that leaves it undecided, by linear programs (Tjeng, Xiao and Tedrake, ICLR 2019).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["CURVES", "Bend", "Bends", "Form", "NetworkForms", "Wave"]

Floats = NDArray[np.float64]
_LARGEST = 60_000_000
_MODULES = (
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.AvgPool1d, nn.AvgPool2d,
    nn.AdaptiveAvgPool2d, nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.ZeroPad2d, nn.ConstantPad1d,
    nn.ConstantPad2d, nn.ConvTranspose2d,
)  # fmt: skip
_FUNCTIONS = {
    torch.flatten, torch.reshape, torch.squeeze, torch.unsqueeze, torch.permute, torch.transpose, torch.cat,
    torch.concat, torch.stack, torch.add, torch.sub, torch.neg, torch.mean, torch.sum, torch.split, torch.chunk,
    operator.add, operator.sub, operator.neg, operator.getitem, F.linear, F.conv1d, F.conv2d, F.avg_pool2d, F.pad,
    F.dropout, F.batch_norm,
}  # fmt: skip
_PRODUCTS = {operator.mul, torch.mul, operator.truediv, torch.div, torch.matmul, operator.matmul}
_METHODS = {
    "view", "reshape", "flatten", "permute", "transpose", "squeeze", "unsqueeze", "contiguous", "mean", "sum", "add",
    "sub", "neg", "clone", "detach", "chunk", "split", "unflatten",
}  # fmt: skip
_WAVES: dict[Any, np.ufunc] = {torch.cos: np.cos, torch.sin: np.sin, "cos": np.cos, "sin": np.sin}
_DEGREES = {torch.deg2rad, "deg2rad"}
_SAME = {"float", "double", "to", "type"}
_RECTIFIERS: dict[Any, float] = {F.relu: 0.0, torch.relu: 0.0, "relu": 0.0, F.leaky_relu: 0.01}


CURVES: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": lambda x: 0.5 * (1.0 + np.tanh(0.5 * x)),
    "tanh": np.tanh,
}
_CURVED: dict[Any, str] = {
    torch.sigmoid: "sigmoid", F.sigmoid: "sigmoid", "sigmoid": "sigmoid",
    torch.tanh: "tanh", F.tanh: "tanh", "tanh": "tanh",
}  # fmt: skip


class Bends(Protocol):
    """What takes up what bends: a program or a relaxation."""

    def __len__(self) -> int:
        """Values so far."""
        ...

    def bounds(self, weights: Floats, constant: Floats) -> tuple[Floats, Floats]:
        """Of forms ``[n, V]`` and ``[n]``, no wider than need be to tell which bend."""
        ...

    def interval(self, weights: Floats, constant: Floats) -> tuple[Floats, Floats]:
        """Of forms ``[n, V]`` and ``[n]``, by the least work."""
        ...

    def value(self, low: float, high: float) -> int:
        """A value of which nothing is known but its ends; its number."""
        ...

    def rectify(self, weights: Floats, constant: Floats, low: Floats, high: Floats) -> NDArray[np.int64]:
        """Values ``max(0, x)`` of forms within bounds; their numbers."""
        ...

    def largest(self, weights: Floats, constant: Floats, low: Floats, high: Floats) -> int:
        """The largest of some forms; its number."""
        ...

    def curve(self, kind: str, weights: Floats, constant: Floats, low: Floats, high: Floats) -> NDArray[np.int64]:
        """Values of a sigmoid or tanh of forms within bounds; their numbers."""
        ...


class Form:
    """A tensor of linear forms ``[1 + V, ...]``, constant first."""

    def __init__(self, data: Tensor) -> None:
        self.data = data

    def padded(self, values: int) -> Tensor:
        """With zeros for values that came later ``[1 + values, ...]``."""
        missing = 1 + values - len(self.data)
        return torch.cat([self.data, self.data.new_zeros((missing, *self.data.shape[1:]))]) if missing else self.data


class Bend:
    """Values of forms ``x``: ``max(0, x)``, a curve, or (``"largest"``) the largest of each row of several."""

    def __init__(
        self, weights: list[Floats], constants: list[Floats], numbers: NDArray[np.int64], kind: str = "relu"
    ) -> None:
        self.weights, self.constants, self.numbers, self.kind = weights, constants, numbers, kind

    def fill(self, values: Floats) -> None:
        """Compute these values from those before ``[B, V]``, as the network does."""
        if self.kind != "largest":
            if len(self.numbers):
                weights = np.concatenate(self.weights)
                inputs = values[:, : weights.shape[1]] @ weights.T + np.concatenate(self.constants)
                values[:, self.numbers] = CURVES[self.kind](inputs)
            return
        for weights, constants, number in zip(self.weights, self.constants, self.numbers, strict=True):
            values[:, number] = (values[:, : weights.shape[1]] @ weights.T + constants).max(axis=1)


class Wave:
    """Values ``cos(x)`` or ``sin(x)`` of forms ``x``, which the program itself does not tie to them."""

    def __init__(
        self, weights: list[Floats], constants: list[Floats], numbers: NDArray[np.int64], wave: np.ufunc
    ) -> None:
        self.weights, self.constants, self.numbers, self.wave = weights, constants, numbers, wave

    def fill(self, values: Floats) -> None:
        """Compute these values from those before ``[B, V]``, as the network does."""
        for weights, constants, number in zip(self.weights, self.constants, self.numbers, strict=True):
            values[:, number] = self.wave(values[:, : weights.shape[1]] @ weights[0] + constants[0])


def wave_range(low: Floats, high: Floats, wave: np.ufunc) -> tuple[Floats, Floats]:
    """The least and the largest cosine or sine between two angles each ``[n]``, rad; a little wider, for rounding."""
    top = 0.0 if wave is np.cos else np.pi / 2
    turn = 2 * np.pi
    ends = np.sort(np.stack([wave(low), wave(high)]), axis=0)
    crest = np.floor((high - top) / turn) >= np.ceil((low - top) / turn)
    trough = np.floor((high - top - np.pi) / turn) >= np.ceil((low - top - np.pi) / turn)
    return np.where(trough, -1.0, ends[0] - 1e-9), np.where(crest, 1.0, ends[1] + 1e-9)


class NetworkForms(fx.Interpreter):
    """Runs a traced network on forms; what bends goes into the program.

    Attributes:
        bends: in running order.
    """

    def __init__(self, graph: fx.GraphModule, program: Bends) -> None:
        super().__init__(graph)
        self.program = program
        self.bends: list[Bend | Wave] = []
        self.extra_traceback = False

    def outputs(self, forms: Floats, shape: tuple[int, ...]) -> Floats:
        """The outputs as forms ``[1 + V, A]``."""
        with torch.no_grad():
            form = self.run(Form(torch.from_numpy(forms).reshape(len(forms), *shape)))
        if not isinstance(form, Form) or form.data.ndim != 2:
            msg = "the network gives no single tensor of outputs [B, A]"
            raise DnnExplainError(msg)
        return form.padded(len(self.program)).numpy()

    # --- steps of the graph ---

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        """A layer: straight, or one that bends."""
        layer = self.fetch_attr(target)
        if not _forms(args):
            return layer(*args, **kwargs)
        if isinstance(layer, nn.ReLU):
            return self._rectified(args[0], 0.0)
        if isinstance(layer, nn.LeakyReLU):
            return self._rectified(args[0], float(layer.negative_slope))
        if isinstance(layer, nn.MaxPool2d):
            return self._pooled(args[0], layer)
        if isinstance(layer, nn.Sigmoid | nn.Tanh):
            return self._curved(args[0], type(layer).__name__.lower())
        if isinstance(layer, _MODULES):
            return self._straight(layer, args, kwargs)
        raise _bent(type(layer).__name__)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """An operation."""
        inside = _forms(args) + _forms(tuple(kwargs.values()))
        if not inside:
            return target(*args, **kwargs)
        if target is getattr:
            return getattr(args[0].data, *args[1:])
        if target in _RECTIFIERS:
            slope = kwargs.get(
                "negative_slope", args[1] if len(args) > 1 and target is F.leaky_relu else _RECTIFIERS[target]
            )
            return self._rectified(args[0], float(slope))
        if target in _CURVED:
            return self._curved(args[0], _CURVED[target])
        products = target in _PRODUCTS and len(inside) == 1
        if products and not (target in {operator.truediv, torch.div} and isinstance(args[1], Form)):
            return self._straight(target, args, kwargs)
        if target in _FUNCTIONS | _DEGREES:
            return self._straight(target, args, kwargs)
        if target in _WAVES:
            return self._waved(args[0], _WAVES[target])
        raise _bent(getattr(target, "__name__", str(target)))

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        """A tensor's own operation."""
        if not _forms(args):
            return super().call_method(target, args, kwargs)
        if target in {"size", "dim"}:
            return getattr(args[0].data, target)(*args[1:], **kwargs)
        if target in _SAME:
            return args[0]
        if target in _RECTIFIERS:
            return self._rectified(args[0], 0.0)
        if target in _WAVES:
            return self._waved(args[0], _WAVES[target])
        if target in _CURVED:
            return self._curved(args[0], _CURVED[target])
        if target in _METHODS | _DEGREES or (
            target in {"mul", "div"} and len(_forms(args)) == 1 and isinstance(args[0], Form)
        ):
            return self._straight(lambda item, *rest, **named: getattr(item, target)(*rest, **named), args, kwargs)
        raise _bent(str(target))

    def _straight(self, step: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a step of straight lines on every row: the constant, and the constant plus what a value adds."""
        count = len(self.program)

        def rows(form: Form) -> Tensor:
            data = form.padded(count)
            return torch.cat([data[:1], data[1:] + data[:1]])

        value = step(*_mapped(args, rows), **_mapped(kwargs, rows))

        def back(first: Tensor) -> Form:
            if first.numel() > _LARGEST:
                msg = f"the network is too large for a program ({first.numel():,} numbers in one layer)"
                raise DnnExplainError(msg)
            return Form(torch.cat([first[:1], first[1:] - first[:1]]))

        return tuple(back(item) for item in value) if isinstance(value, tuple | list) else back(value)

    # --- what bends ---

    def _rectified(self, form: Form, slope: float) -> Form:
        data = form.padded(len(self.program))
        flat = data.reshape(len(data), -1)
        weights, constant = np.ascontiguousarray(flat[1:].numpy().T), flat[0].numpy()
        low, high = self.program.bounds(weights, constant)
        open_ones = np.flatnonzero((low < 0) & (high > 0))
        numbers = self.program.rectify(weights[open_ones], constant[open_ones], low[open_ones], high[open_ones])
        self.bends.append(Bend([weights[open_ones]], [constant[open_ones]], numbers))
        if flat.shape[1] * (1 + len(self.program)) > _LARGEST:
            msg = f"the network is too large for a program ({flat.shape[1]:,} neurons of {counted(len(self.program), 'value')})"
            raise DnnExplainError(msg)
        out = torch.cat([flat, flat.new_zeros((1 + len(self.program) - len(flat), flat.shape[1]))])
        out[:, np.flatnonzero(high <= 0)] *= slope
        out[:, open_ones] *= slope
        out[1 + numbers, open_ones] += 1.0 - slope
        return Form(out.reshape(len(out), *data.shape[1:]))

    def _curved(self, form: Form, kind: str) -> Form:
        data = form.padded(len(self.program))
        flat = data.reshape(len(data), -1)
        weights, constant = np.ascontiguousarray(flat[1:].numpy().T), flat[0].numpy()
        numbers = self.program.curve(kind, weights, constant, *self.program.bounds(weights, constant))
        self.bends.append(Bend([weights], [constant], numbers, kind))
        out = flat.new_zeros((1 + len(self.program), flat.shape[1]))
        out[1 + numbers, np.arange(flat.shape[1])] = 1.0
        return Form(out.reshape(len(out), *data.shape[1:]))

    def _waved(self, form: Form, wave: np.ufunc) -> Form:
        """Cosines or sines: of what varies any value between their least and their largest, which is weaker but holds."""
        data = form.padded(len(self.program))
        flat = data.reshape(len(data), -1)
        weights, constant = np.ascontiguousarray(flat[1:].numpy().T), flat[0].numpy()
        varies = np.flatnonzero((weights != 0).any(axis=1))
        low, high = wave_range(*self.program.interval(weights[varies], constant[varies]), wave)
        numbers = np.array([self.program.value(*ends) for ends in zip(low, high, strict=True)], dtype=np.int64)
        self.bends.append(Wave([weights[[at]] for at in varies], [constant[[at]] for at in varies], numbers, wave))
        out = flat.new_zeros((1 + len(self.program), flat.shape[1]))
        out[0] = torch.from_numpy(wave(constant))
        out[0, varies] = 0.0
        out[1 + numbers, varies] = 1.0
        return Form(out.reshape(len(out), *data.shape[1:]))

    def _pooled(self, form: Form, layer: nn.MaxPool2d) -> Form:
        data = form.padded(len(self.program))
        shape = data.shape[1:]
        places = _windows(layer, tuple(shape))
        flat = data.reshape(len(data), -1)
        weights, constant = np.ascontiguousarray(flat[1:].numpy().T), flat[0].numpy()
        low, high = self.program.bounds(weights, constant)
        bend = Bend([], [], np.zeros(0, dtype=np.int64), "largest")
        sources: list[tuple[bool, int]] = []
        numbers: list[int] = []
        for window in places.reshape(-1, places.shape[-1]):
            rivals = _rivals(window[window >= 0], low, high)
            if len(rivals) == 1:
                sources.append((True, int(rivals[0])))
                continue
            numbers.append(self.program.largest(weights[rivals], constant[rivals], low[rivals], high[rivals]))
            bend.weights.append(weights[rivals])
            bend.constants.append(constant[rivals])
            sources.append((False, numbers[-1]))
        bend.numbers = np.array(numbers, dtype=np.int64)
        self.bends.append(bend)
        out = flat.new_zeros((1 + len(self.program), len(sources)))
        for at, (kept, source) in enumerate(sources):
            if kept:
                out[: len(flat), at] = flat[:, source]
            else:
                out[1 + source, at] = 1.0
        return Form(out.reshape(len(out), *places.shape[:-1]))


def _rivals(inside: NDArray[np.int64], low: Floats, high: Floats) -> NDArray[np.int64]:
    """Which cells of a window can be the largest; one alone is, everywhere."""
    top = int(inside[np.argmax(low[inside])])
    others = inside[(high[inside] > low[top]) & (inside != top)]
    if high[top] <= low[top] and (low[others] >= low[top]).any():
        return np.asarray(others)
    return np.concatenate([[top], others])


def _windows(layer: nn.MaxPool2d, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Which cells each window of a pool holds ``[C, H', W', window]``; -1 outside."""
    if layer.dilation not in {1, (1, 1)} or layer.ceil_mode:
        kind = "a dilated or ceiling max-pool"
        raise _bent(kind)
    size, stride, edge = (
        (item, item) if isinstance(item, int) else item for item in (layer.kernel_size, layer.stride, layer.padding)
    )
    cells = torch.arange(1, int(np.prod(shape)) + 1, dtype=torch.float64).reshape(1, *shape)
    cells = F.pad(cells, (edge[1], edge[1], edge[0], edge[0]))
    windows = cells.unfold(2, size[0], stride[0]).unfold(3, size[1], stride[1])[0]
    return np.asarray(windows.reshape(*windows.shape[:3], -1).numpy().astype(np.int64) - 1)


def _forms(args: Any) -> list[Form]:
    if isinstance(args, Form):
        return [args]
    if isinstance(args, tuple | list):
        return [form for arg in args for form in _forms(arg)]
    return []


def _mapped(args: Any, function: Callable[[Form], Tensor]) -> Any:
    if isinstance(args, Form):
        return function(args)
    if isinstance(args, tuple | list):
        return type(args)(_mapped(arg, function) for arg in args)
    if isinstance(args, dict):
        return {name: _mapped(arg, function) for name, arg in args.items()}
    return args


def _bent(name: str) -> DnnExplainError:
    return DnnExplainError(
        f"no proof: the network holds {name}, and proofs know layers of straight lines (linear, convolution, mean, "
        "sums, concatenations), ReLU, leaky ReLU, max-pool, sigmoid, tanh, cosine and sine"
    )
