"""Any torch module as a policy: checked once against its system, then frozen for explanation."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dnnexplain import sampling
from dnnexplain.assumptions import assume
from dnnexplain.contract import Discrete, DnnExplainError, System
from dnnexplain.policies._adapters import LogProbabilities
from dnnexplain.policies._fit import fit_module, probe_observations
from dnnexplain.policies._layers import signature
from dnnexplain.policies._own_modules import apart, duplicate, memory_of, own_copy
from dnnexplain.policies._scale import guessed_scale, scaled
from dnnexplain.policies.sb3 import refuse_live_agent

__all__ = ["LogProbabilities", "TorchPolicy", "weights_hash"]

CHUNK_NUMBERS = 1 << 21
"""Observation values that pass through the network at once; bounds memory, 8 MB of float32 input."""


def weights_hash(module: nn.Module, *, alone: bool = False) -> str:
    """SHA-256 over types, shapes and bytes of all weights and buffers, in the module's own order, and what runs them.

    Names are left out: the same network under other layer names has the same hash. Other activations, or
    another class of module, have another, unless the weights are hashed alone.
    """
    digest = hashlib.sha256(b"" if alone else signature(module).encode())
    for tensor in module.state_dict().values():
        whole = tensor.detach().cpu().contiguous()
        digest.update(f"{whole.dtype}|{tuple(whole.shape)}|".encode())
        digest.update(whole.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


class TorchPolicy:
    """A torch network as a policy of a system (``contract.NetworkPolicy``).

    The module is copied, unless it is handed over: training the original further, or hooks set here, do not touch the other.
    It may take the observation ``[B, *shape]``, flattened ``[B, n]``, or with a channel ``[B, 1, ...]``.

    Args:
        module: gives raw outputs ``[B, A]``: logits of a choice, or the numbers of a vector. One that
            ends in a softmax is recognised and undone for a choice (see ``note``).
        system: the world it acts in.
        name: for tables and messages; the architecture, or else the class of the module, if not given.
        masked: whether invalid actions are masked before the softmax.
        checkpoint: what identifies the weights; their SHA-256 if not given.
        scale: ``"bytes"`` for a module that was trained on the bytes of the gymnasium environment, where the
            system itself shows 0 to 1 (``"unit"``, the default).
        copy: ``False`` hands the module over: nobody else uses it (it was made or read for this policy), so it is
            taken itself, and a large network is in memory once.

    Attributes:
        module: eval mode, float32; always maps ``[B, *observation_shape]`` to ``[B, A]``.
        note: in words, what was adapted (flattened input, softmax removed); empty if nothing was.
        assumed: what a file left open and was assumed, a sentence each; goes into every result.
        metadata: what the file said of the network; empty for a module of the user's own.

    Raises:
        DnnExplainError: the module does not fit the system; says what was expected, what came and why.

    Example:
        >>> policy = TorchPolicy(torch.load("mine.pt"), make_system("deeprm", slots=5))
        >>> policy.probabilities(observations)
    """

    def __init__(
        self,
        module: nn.Module,
        system: System,
        *,
        name: str | None = None,
        masked: bool = True,
        checkpoint: str | None = None,
        scale: str | None = None,
        copy: bool = True,
    ) -> None:
        refuse_live_agent(module)
        if not isinstance(module, nn.Module):
            msg = (
                f"TorchPolicy takes a torch.nn.Module, not a {type(module).__name__}; for a file or a state dict "
                "use dnnexplain.policies.load_any(path, system)"
            )
            raise DnnExplainError(msg)
        self.system = system
        architecture = getattr(module, "architecture", None)
        known = architecture.get("name") if isinstance(architecture, dict) else None
        self.name = name or known or type(module).__name__.lower()
        self.masked = masked
        self.metadata: dict[str, Any] = {}
        self.assumed: tuple[str, ...] = ()
        guess = "" if scale else guessed_scale(module, system)
        if scale is not None:
            module = scaled(module, system, scale)
        with apart():
            own, first = own_copy(module, torch.from_numpy(probe_observations(system)), copied=copy)
            fitted, note = fit_module(own.float().eval(), system)
            self.module, second = _undo_softmax(fitted, system)
        memory = memory_of(self.module)
        self.assumed = tuple(assume(f"{self.name}: {sentence}") for sentence in (guess, memory) if sentence)
        self.checkpoint = checkpoint or weights_hash(self.module)
        self.note = "; ".join(part for part in (first, note, second, guess, memory) if part)

    def __repr__(self) -> str:
        return f"TorchPolicy({self.name!r}, {self.system.name!r}, checkpoint={self.checkpoint[:12]!r})"

    def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Raw outputs of the network.

        Args:
            observations: ``[B, *observation_shape]``, any real type; bytes are taken as the numbers that
                they are.

        Returns:
            float64 ``[B, A]``.

        Raises:
            DnnExplainError: the shape is another, or values are not finite.
        """
        rows = self._checked(observations)
        answer = np.empty((len(rows), len(self.system.output.names)), dtype=np.float64)
        chunk = max(1, CHUNK_NUMBERS // max(1, int(np.prod(rows.shape[1:])), answer.shape[1]))
        device = next((weight.device for weight in self.module.parameters()), torch.device("cpu"))
        with apart(), torch.no_grad():
            for first in range(0, len(rows), chunk):
                block = np.require(rows[first : first + chunk], np.float32, ["C", "W"])
                answer[first : first + chunk] = self.module(torch.from_numpy(block).to(device)).double().cpu().numpy()
        return answer

    def outputs_of_bytes(self, pictures: NDArray[np.uint8], scale: float) -> NDArray[np.float64]:
        """Raw outputs ``[B, A]`` for observations given as bytes, each standing for ``byte * scale``.

        The same as ``outputs(pictures * scale)``; several times faster where the first layer is a
        dense one, since most cells of a picture are zero. Simulators use it.
        """
        from dnnexplain.policies.sparse import ByteNetwork  # noqa: PLC0415 - compiles on first use

        with torch.no_grad():
            return ByteNetwork(self.module, scale)(pictures).numpy().astype(np.float64)

    def probabilities(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of the actions, invalid ones masked if ``masked``; float64 ``[B, A]``.

        Raises:
            DnnExplainError: the system's output is a vector, not a choice; or as :meth:`outputs`.
        """
        if not isinstance(self.system.output, Discrete):
            msg = f"{self.system.name} emits {len(self.system.output.names)} numbers, not a choice; use outputs()"
            raise DnnExplainError(msg)
        valid = self.system.valid_actions(observations) if self.masked else None
        return sampling.probabilities(self.outputs(observations), valid)

    def copy(self) -> TorchPolicy:
        """The same policy with a network of its own: hooks are not thread-safe, so each worker takes one."""
        twin = copy.copy(self)
        twin.module = duplicate(self.module)
        return twin

    def _checked(self, observations: NDArray[Any]) -> NDArray[Any]:
        rows = np.asarray(observations)
        shape = tuple(self.system.observation_shape)
        if rows.shape[1:] != shape or rows.ndim != len(shape) + 1:
            hint = "; for one state add the batch axis: observation[None]" if rows.shape == shape else ""
            expected = ", ".join(["B", *map(str, shape)])
            msg = f"{self.name}: observations must be [{expected}], not {list(rows.shape)}{hint}"
            raise DnnExplainError(msg)
        if rows.dtype.kind not in "buif":
            msg = f"{self.name}: observations must be real numbers, not {rows.dtype}"
            raise DnnExplainError(msg)
        return rows


def _undo_softmax(module: nn.Module, system: System) -> tuple[nn.Module, str]:
    """Turn a choice network that ends in probabilities into one that gives logits; say how."""
    if not isinstance(system.output, Discrete) or len(system.output.names) < 2:
        return module, ""
    device = next((weight.device for weight in module.parameters()), torch.device("cpu"))
    with torch.no_grad():
        answer = module(torch.from_numpy(probe_observations(system)).to(device))
    if bool((answer < 0).any()) or not torch.allclose(answer.sum(1), torch.ones_like(answer[:, 0]), atol=1e-4):
        return module, ""
    if _strip_last_softmax(module):
        return module, "the final softmax layer was removed: outputs are logits"
    return LogProbabilities(module).eval(), "the network gives probabilities: outputs are their logarithms"


def _strip_last_softmax(module: nn.Module) -> bool:
    while type(module) is nn.Sequential and len(module):
        if isinstance(module[-1], nn.Softmax):
            del module[-1]
            return True
        module = module[-1]
    return False
