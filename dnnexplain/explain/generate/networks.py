"""Generators that are networks: a diffusion model and a conditional adversarial one, record by record.

Diffusion: Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models", NeurIPS 2020, for tables as in Kotelnikov et
al., "TabDDPM", ICML 2023. Adversarial: Mirza and Osindero, "Conditional Generative Adversarial Nets", 2014, with the
critic's hinge loss and spectral normalisation of Miyato et al., ICLR 2018. Both write on a normal scale, from the
record before and the level of the whole table, which is one that was seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.generate.normal_scale import Condition, NormalScale
from dnnexplain.explain.generate.tables import checked_tables

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Adversarial", "Diffusion", "NetworkGenerator"]

Floats = NDArray[np.float64]
WIDTH, BATCH = 128, 512
WIDEST = 128
"""Columns that these generators take, at most."""
LEVEL_NOISE = 0.1
"""Levels are those of seen tables, moved by so much of their spread: a table that is written is no table again."""


class NetworkGenerator(ABC):
    """What the two share: scale, condition, writing record by record.

    Args:
        steps: of training, a batch of 512 records each.
    """

    name: str

    def __init__(self, steps: int = 1500) -> None:
        self.steps = steps

    def fit(self, tables: Sequence[Floats], *, ordered: bool, seed: int = 0) -> None:
        """Train on tables ``[R, C]``.

        Raises:
            DnnExplainError: no tables, or too many columns.
        """
        import torch  # noqa: PLC0415 - two seconds

        known = checked_tables(tables)
        if known[0].shape[1] > WIDEST:
            msg = f"{self.name} takes up to {WIDEST} columns, not {known[0].shape[1]}; use 'interpolating'"
            raise DnnExplainError(msg)
        rng = np.random.default_rng(seed)
        self.scale = NormalScale(np.concatenate(known))
        scaled = [self.scale.there(table, rng) for table in known]
        self.condition = Condition(scaled, ordered=ordered)
        torch.manual_seed(seed)
        self.network = self._network(scaled[0].shape[1])
        rows, given = (
            torch.as_tensor(item, dtype=torch.float32) for item in (np.concatenate(scaled), self.condition.of(scaled))
        )
        self._train(rows, given, torch.Generator().manual_seed(seed))

    def sample(self, count: int, *, seed: int = 0) -> list[Floats]:
        """New tables: all side by side, record by record where order means something."""
        import torch  # noqa: PLC0415

        rng, draw = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        levels, condition = self.condition.levels, self.condition
        which = rng.integers(0, len(levels), count)
        level = levels[which] + LEVEL_NOISE * levels.std(axis=0) * rng.normal(size=(count, levels.shape[1]))
        lengths = condition.lengths[which]
        if not condition.ordered:
            given = condition.joined(np.zeros((int(lengths.sum()), levels.shape[1])), np.repeat(level, lengths, axis=0))
            return np.split(self.scale.back(self._written(given, draw)), np.cumsum(lengths)[:-1])
        tables = np.empty((count, int(lengths.max()), levels.shape[1]))
        now = condition.starts[which]
        for r in range(tables.shape[1]):
            tables[:, r] = now = self._written(condition.joined(now, level), draw)
        return [self.scale.back(table[:length]) for table, length in zip(tables, lengths, strict=True)]

    @property
    def ordered(self) -> bool:
        """Whether the order of records means something."""
        return self.condition.ordered

    def known(self) -> dict[str, NDArray[np.generic]]:
        """Weights, quantiles, levels and lengths, as arrays."""
        known = {"quantiles": self.scale.quantiles, "levels": self.condition.levels, "starts": self.condition.starts,
                 "lengths": self.condition.lengths, "few": self.scale.few}  # fmt: skip
        return known | {f"network.{key}": value.numpy() for key, value in self.network.state_dict().items()}

    def take(self, known: dict[str, NDArray[np.generic]], *, ordered: bool) -> None:
        """What :meth:`known` gave."""
        import torch  # noqa: PLC0415

        levels, starts, quantiles = (known[key].astype(np.float64) for key in ("levels", "starts", "quantiles"))
        self.scale = NormalScale.of(quantiles, known["few"].astype(bool))
        self.condition = Condition([np.zeros((1, levels.shape[1]))], ordered=ordered)
        self.condition.levels, self.condition.starts = levels, starts
        self.condition.lengths = known["lengths"].astype(np.int64)
        self.network = self._network(levels.shape[1])
        layers = {key.removeprefix("network."): value for key, value in known.items() if key.startswith("network.")}
        self.network.load_state_dict({key: torch.as_tensor(np.array(value)) for key, value in layers.items()})

    @abstractmethod
    def _network(self, width: int) -> nn.Module:
        """What writes a record of ``width`` columns."""

    @abstractmethod
    def _train(self, rows: Tensor, given: Tensor, draw: Any) -> None:
        """Fit the network to records ``[N, C]`` and their conditions ``[N, 2 C]``."""

    @abstractmethod
    def _written(self, given: Floats, draw: Any) -> Floats:
        """Records for conditions ``[N, 2 C]``, on the normal scale."""


class Diffusion(NetworkGenerator):
    """Records from noise in 40 steps, each undoing a part of it; the variance schedule is a cosine's."""

    name = "diffusion"
    levels_of_noise = 40

    def _network(self, width: int) -> nn.Module:
        return _layers(3 * width + 2, width)

    def _kept(self) -> Floats:
        """How much of the record is left at each level, squared: 1 at first, 0 at last (Nichol and Dhariwal, 2021)."""
        angle = np.pi / 2 * (np.arange(self.levels_of_noise + 1) / self.levels_of_noise + 0.008) / 1.008
        return np.asarray(np.clip(np.cos(angle) ** 2, 1e-4, 0.9999))

    def _noise(self, noisy: Tensor, level: Tensor, given: Tensor) -> Tensor:
        import torch  # noqa: PLC0415

        angle = level[:, None] * (np.pi / 2)
        noise: Tensor = self.network(torch.cat([noisy, given, torch.sin(angle), torch.cos(angle)], dim=1))
        return noise

    def _train(self, rows: Tensor, given: Tensor, draw: Any) -> None:
        import torch  # noqa: PLC0415

        kept = torch.as_tensor(self._kept(), dtype=torch.float32)
        adam = torch.optim.Adam(self.network.parameters(), lr=2e-3)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.steps)
        for _ in range(self.steps):
            batch = torch.randint(len(rows), (min(BATCH, len(rows)),), generator=draw)
            level = torch.randint(1, len(kept), (len(batch),), generator=draw)
            noise = torch.randn(len(batch), rows.shape[1], generator=draw)
            share = kept[level][:, None]
            noisy = share.sqrt() * rows[batch] + (1 - share).sqrt() * noise
            adam.zero_grad()
            ((self._noise(noisy, level / self.levels_of_noise, given[batch]) - noise) ** 2).mean().backward()
            adam.step()
            falling.step()

    def _written(self, given: Floats, draw: Any) -> Floats:
        import torch  # noqa: PLC0415

        kept, known = self._kept(), torch.as_tensor(given, dtype=torch.float32)
        made = torch.randn(len(given), given.shape[1] // 2, generator=draw)
        with torch.no_grad():
            for at in range(self.levels_of_noise, 0, -1):
                now, before = float(kept[at]), float(kept[at - 1])
                noise = self._noise(made, torch.full((len(given),), at / self.levels_of_noise), known)
                clean = ((made - (1 - now) ** 0.5 * noise) / now**0.5).clamp(-4.0, 4.0)
                step = 1 - now / before
                mean = (before**0.5 * step * clean + (1 - step) ** 0.5 * (1 - before) * made) / (1 - now)
                spread = (step * (1 - before) / (1 - now)) ** 0.5 if at > 1 else 0.0
                made = mean + spread * torch.randn(made.shape, generator=draw)
        return np.asarray(made.numpy(), dtype=np.float64)


class Adversarial(NetworkGenerator):
    """A conditional generative adversarial network: a writer, its weights averaged over training, and a critic that knows the condition, too."""

    name = "adversarial"

    def _network(self, width: int) -> nn.Module:
        return _layers(3 * width + 8, width)

    def _train(self, rows: Tensor, given: Tensor, draw: Any) -> None:
        import torch  # noqa: PLC0415
        from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn  # noqa: PLC0415

        critic, averaged = (
            _critic(3 * rows.shape[1]),
            AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(0.995)),
        )
        ours, theirs = (
            torch.optim.Adam(item.parameters(), lr=1e-3, betas=(0.0, 0.9)) for item in (self.network, critic)
        )
        for step in range(2 * self.steps):
            batch = torch.randint(len(rows), (min(BATCH, len(rows)),), generator=draw)
            made = self._made(given[batch], draw)
            theirs.zero_grad()
            real, fake = (critic(torch.cat([item, given[batch]], dim=1)) for item in (rows[batch], made.detach()))
            (torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()).backward()
            theirs.step()
            if step % 2:
                ours.zero_grad()
                (-critic(torch.cat([made, given[batch]], dim=1)).mean()).backward()
                ours.step()
                averaged.update_parameters(self.network)
        self.network = averaged.module

    def _made(self, given: Tensor, draw: Any) -> Tensor:
        import torch  # noqa: PLC0415

        noise = torch.randn(len(given), given.shape[1] // 2 + 8, generator=draw)
        made: Tensor = self.network(torch.cat([noise, given], dim=1))
        return made

    def _written(self, given: Floats, draw: Any) -> Floats:
        import torch  # noqa: PLC0415

        with torch.no_grad():
            made = self._made(torch.as_tensor(given, dtype=torch.float32), draw)
        return np.asarray(made.clamp(-4.0, 4.0).numpy(), dtype=np.float64)


def _layers(inputs: int, outputs: int) -> nn.Module:
    from torch import nn  # noqa: PLC0415

    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, outputs)
    )


def _critic(inputs: int) -> nn.Module:
    from torch import nn  # noqa: PLC0415
    from torch.nn.utils.parametrizations import spectral_norm  # noqa: PLC0415

    return nn.Sequential(
        spectral_norm(nn.Linear(inputs, WIDTH)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Linear(WIDTH, WIDTH)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Linear(WIDTH, 1)),
    )
