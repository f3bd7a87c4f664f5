"""A black-box component, differentiated through a model that is fitted to it during the search."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract import Choice
from dnnexplain.explain.gray_box.component import Array, Component, Pullback, checked

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Surrogate", "SurrogateKind"]


class SurrogateKind(StrEnum):
    """The model: a plane fitted to the nearest samples, or a small network fitted to all recent ones."""

    LINEAR = "linear"
    NETWORK = "network"


class Surrogate:
    """A part whose outputs are its own, and whose derivative is that of a model fitted on the way.

    Namyar et al. (HotNets 2024, section 6) propose it: minimise ``||model(x) - f(x)||^2`` on the points
    that the search visits. Around each visited point ``probes`` more are sampled, so that the model sees
    slopes and not only the path.

    Args:
        function: ``x [B, n]`` to ``y [B, m]``; or another component, whose derivative is then ignored.
        kind: ``"linear"`` or ``"network"``.
        probes: extra samples around each visited point.
        radius: the spread of the probes, in the input's unit (one number, or one per coordinate).
        memory: how many samples are kept, the latest ones.
        hidden: width of the network's two hidden layers.
        steps: training steps of the network per call.
        seed: of probes and weights.
        name: what the part does.
    """

    def __init__(
        self,
        function: Callable[[Array], Array] | Component,
        *,
        kind: str = SurrogateKind.LINEAR,
        probes: int = 32,
        radius: float | Array = 1e-2,
        memory: int = 2048,
        hidden: int = 64,
        steps: int = 20,
        seed: int = 0,
        name: str = "",
    ) -> None:
        if kind not in tuple(SurrogateKind):
            raise Choice("kind of surrogate", kind, tuple(SurrogateKind)).error()
        self.function = function.output if isinstance(function, Component) else function
        self.name = name or (function.name if isinstance(function, Component) else "black box")
        self.kind = SurrogateKind(kind)
        self.probes, self.radius, self.memory = probes, radius, memory
        self.hidden, self.steps, self.seed = hidden, steps, seed
        self._random = np.random.default_rng(seed)
        self._inputs: Array | None = None
        self._outputs: Array | None = None
        self._model: _Network | None = None

    def output(self, x: Array) -> Array:
        """The black box's own output; see :class:`~dnnexplain.explain.gray_box.component.Component`."""
        return checked(self.name, self.function(x), len(x))

    def linearise(self, x: Array) -> tuple[Array, Pullback]:
        """The black box's own output, and the fitted model's pullback."""
        rows, n = x.shape
        noise = self._random.standard_normal((rows, self.probes, n)) * self.radius
        points = np.concatenate([x, (x[:, None, :] + noise).reshape(-1, n)])
        values = self.output(points)
        self._remember(points, values)
        if self.kind is SurrogateKind.LINEAR:
            return values[:rows], self._plane(x)
        if self._model is None:
            self._model = _Network(n, values.shape[1], self.hidden, self.seed)
        self._model.fit(*self._samples(), self.steps, self._random)
        return values[:rows], self._model.pullback(x)

    def _samples(self) -> tuple[Array, Array]:
        assert self._inputs is not None
        assert self._outputs is not None
        return self._inputs, self._outputs

    def _remember(self, points: Array, values: Array) -> None:
        if self._inputs is not None and self._outputs is not None:
            points = np.concatenate([self._inputs, points])
            values = np.concatenate([self._outputs, values])
        self._inputs, self._outputs = points[-self.memory :], values[-self.memory :]

    def _plane(self, x: Array) -> Pullback:
        """A ridge regression on the nearest samples of each row; its slope is the Jacobian."""
        inputs, outputs = self._samples()
        count = min(len(inputs), max(2 * x.shape[1] + 1, self.probes + 1))
        slopes = []
        for row in x:
            distance = ((inputs - row) ** 2).sum(axis=1)
            near = np.argpartition(distance, count - 1)[:count]
            offset = inputs[near] - inputs[near].mean(axis=0)
            rise = outputs[near] - outputs[near].mean(axis=0)
            ridge = 1e-6 * np.trace(offset.T @ offset) / x.shape[1] + 1e-300
            slopes.append(np.linalg.solve(offset.T @ offset + ridge * np.eye(x.shape[1]), offset.T @ rise))
        jacobian = np.stack(slopes)
        return lambda cotangent: np.einsum("bnm,bm->bn", jacobian, cotangent)


class _Network:
    """Two tanh layers on standardised samples, trained a little at every call."""

    def __init__(self, inputs: int, outputs: int, hidden: int, seed: int) -> None:
        import torch  # noqa: PLC0415
        from torch import nn  # noqa: PLC0415

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.net: nn.Module = nn.Sequential(
                nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, outputs)
            ).double()
        self.optimiser: Any = torch.optim.Adam(self.net.parameters(), lr=3e-3)

    def fit(self, inputs: Array, outputs: Array, steps: int, random: np.random.Generator) -> None:
        import torch  # noqa: PLC0415

        self.centre, self.spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-12
        self.level, self.height = outputs.mean(axis=0), outputs.std(axis=0) + 1e-12
        for _ in range(steps):
            pick = random.integers(0, len(inputs), size=min(256, len(inputs)))
            scaled = torch.from_numpy((inputs[pick] - self.centre) / self.spread)
            wanted = torch.from_numpy((outputs[pick] - self.level) / self.height)
            loss = (self.net(scaled) - wanted).square().mean()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()

    def pullback(self, x: Array) -> Pullback:
        import torch  # noqa: PLC0415

        leaf = torch.from_numpy((x - self.centre) / self.spread).requires_grad_()
        y = self.net(leaf)
        spread, height = self.spread, self.height

        def pull(cotangent: Array) -> Array:
            (gradient,) = torch.autograd.grad(y, leaf, torch.from_numpy(cotangent * height), retain_graph=True)
            return np.asarray(gradient.numpy() / spread)

        return pull
