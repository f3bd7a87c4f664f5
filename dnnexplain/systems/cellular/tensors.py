"""The cell in torch: the same minute as the kernels', with gradients through rates and loads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dnnexplain.systems.cellular.cell import Cell
from dnnexplain.systems.cellular.days import DayStack
from dnnexplain.systems.cellular.layout import Layout

__all__ = ["TorchCell", "TorchDays", "between"]


class _Between(torch.autograd.Function):
    """Numbers cut off at 0 and 1; a gradient that leads back inside is let through."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, numbers: Tensor) -> Tensor:
        ctx.save_for_backward(numbers)
        return numbers.clamp(0.0, 1.0)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> Tensor:
        (numbers,) = ctx.saved_tensors  # type: ignore[attr-defined]
        (gradient,) = gradients
        # Descent moves against the gradient: below 0 only a negative one leads inside, above 1 only a positive one.
        useful: Tensor = ((numbers >= 0) | (gradient < 0)) & ((numbers <= 1) | (gradient > 0))
        return gradient * useful


def between(numbers: Tensor) -> Tensor:
    """Raw outputs as rates in [0, 1], with a gradient that can lead back from outside."""
    rates: Tensor = _Between.apply(numbers)  # type: ignore[no-untyped-call] # torch's
    return rates


class TorchDays:
    """Days as float32 tensors, and what is seen of them.

    Args:
        days: stacked.
        layout: of what is seen.
    """

    def __init__(self, days: DayStack, layout: Layout) -> None:
        self.layout = layout
        self.own, self.sessions, self.efficiency, self.forecast = (
            torch.as_tensor(array, dtype=torch.float32)
            for array in (days.own, days.sessions, days.efficiency, days.forecast)
        )
        self._lags = torch.arange(layout.history - 1, -1, -1)

    def see(self, day: Tensor, minute: Tensor, loads: Tensor) -> Tensor:
        """What is seen before given minutes of given days ``[B]`` with loads of the last minutes, newest first ``[B, H]``."""
        at, row = minute[:, None] + self._lags, day[:, None]
        return torch.cat(
            [
                (self.layout.start + minute / 60.0)[:, None],
                loads[:, :1],
                self.own[row, at] + loads,
                self.sessions[row, at],
                self.efficiency[row, at],
                self.forecast[day, minute],
            ],
            dim=1,
        )


class TorchCell:
    """A cell's formulas on tensors (see :class:`~dnnexplain.systems.cellular.cell.Cell`).

    Args:
        cell: the constants.
    """

    def __init__(self, cell: Cell) -> None:
        self.c = cell.constants

    def added_load(self, load: Tensor, rate: Tensor) -> Tensor:
        """The added load after a minute at a rate."""
        after = self.c.keep * load + self.c.added * rate
        return torch.where(rate > 0, after, torch.zeros_like(after)) if self.c.snapping else after

    def throughput(self, congestion: Tensor, efficiency: Tensor) -> Tensor:
        """What a user gets, Mb/s."""
        if self.c.inverse:
            return self.c.peak * efficiency * self.c.knee / (self.c.knee + congestion)
        return self.c.peak * efficiency * (1.0 - congestion).clamp(min=self.c.floor)

    def reward(self, own: Tensor, efficiency: Tensor, load: Tensor, rate: Tensor) -> Tensor:
        """What a minute brings, GB; ``load`` is the one after it."""
        alone, shared = self.throughput(own, efficiency), self.throughput(own + load, efficiency)
        users = rate if self.c.users_follow else self.c.user_rate
        volume = self.c.volume_weight * shared * rate
        loss = self.c.user_weight * (alone - shared) * users
        return volume - loss - self.c.limit_weight * rate * (self.c.limit - shared).clamp(min=0.0)

    def play(
        self,
        actor: Callable[[Tensor], Tensor],
        days: TorchDays,
        day: Tensor,
        minute: Tensor,
        loads: Tensor,
        steps: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Let an actor run on from given minutes of given days, differentiable.

        Args:
            actor: from what is seen ``[B, K]`` to raw outputs ``[B, 1]``.
            days: to run on.
            day, minute: where each row starts ``[B]``.
            loads: added in the minutes before, newest first ``[B, H]``.
            steps: minutes.

        Returns:
            rewards, rates, and added loads after each minute, ``[B, steps]`` each.
        """
        played: list[tuple[Tensor, Tensor, Tensor]] = []
        load = loads[:, 0]
        for step in range(steps):
            now = minute + step
            rate = between(actor(days.see(day, now, loads))[:, 0])
            load = self.added_load(load, rate)
            at = now + days.layout.history
            played.append((self.reward(days.own[day, at], days.efficiency[day, at], load, rate), rate, load))
            loads = torch.cat([load[:, None], loads[:, :-1]], dim=1)
        rewards, rates, after = (torch.stack(series, dim=1) for series in zip(*played, strict=True))
        return rewards, rates, after

    def remainder(self, more: Tensor, rates: Tensor) -> Tensor:
        """What is left after each minute ``[B, n]`` at given rates of a load ``more [B]`` that was added before them."""
        kept = torch.full_like(rates, self.c.keep)
        if self.c.snapping:
            kept = kept * (rates > 0)
        return more[:, None] * kept.cumprod(dim=1)
