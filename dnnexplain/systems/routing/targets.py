"""Scalars of a routing decision that can be explained: the busiest link, one link, one split ratio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from dnnexplain.contract import Choice, Target, TargetKind
from dnnexplain.systems.routing.oracle import RoutingOracle
from dnnexplain.systems.routing.paths import PathSet

if TYPE_CHECKING:
    from torch import Tensor

    from dnnexplain.systems.routing.tensors import TorchRouting

__all__ = ["RoutingTargets"]

BUSIEST = "utilisation of the busiest link"
RATIO = "busiest link over optimum"


class RoutingTargets(Mapping[str, Target]):
    """The targets by name, made when asked for: there may be thousands.

    Names: ``utilisation of the busiest link``; ``busiest link over optimum`` (its gradient uses the dual
    prices of the optimum); ``utilisation of A -> B`` per link; ``split of A -> B over path 1`` per path.
    With a history the demand that is routed is not part of the input: utilisation is then that of the
    newest matrix, as if it came once more, and the names say so.

    Args:
        paths: the paths that outputs speak of.
        oracle: for the optimum.
        history: the number of matrices in the input, 0 for the current one alone.
    """

    def __init__(self, paths: PathSet, oracle: RoutingOracle, history: int) -> None:
        self.paths = paths
        self.oracle = oracle
        self.suffix = " if the newest matrix came again" if history else ""
        self._links = {f"utilisation of {name}{self.suffix}": i for i, name in enumerate(paths.topology.link_names)}

    @property
    def ratio(self) -> str:
        """The name of the busiest link's utilisation over the optimum."""
        return RATIO + self.suffix

    def __iter__(self) -> Iterator[str]:
        yield BUSIEST + self.suffix
        yield self.ratio
        yield from self._links
        pairs = zip(self.paths.pair_of_path, self.paths.rank, strict=True)
        yield from (f"split of {self.paths.pair_names[pair]} over path {rank + 1}" for pair, rank in pairs)

    def __len__(self) -> int:
        return 2 + len(self._links) + self.paths.count

    def __getitem__(self, name: str) -> Target:
        index = self._path(name)
        if index is not None:
            return Target(name, TargetKind.VALUE, _Split(index), index=index)
        if name in self._links:
            return Target(name, TargetKind.VALUE, _Utilisation(self._model, self._links[name]))
        if name in (BUSIEST, BUSIEST + self.suffix):
            return Target(BUSIEST + self.suffix, TargetKind.VALUE, _Utilisation(self._model, None))
        if name in (RATIO, self.ratio):
            return Target(self.ratio, TargetKind.VALUE, _Ratio(self._model, self.oracle))
        raise KeyError(str(Choice("target", name, tuple(islice(self, 40))).error()))

    def _path(self, name: str) -> int | None:
        """The path whose split ratio a name means: there are too many for a table of all names."""
        if not isinstance(name, str) or not name.startswith("split of "):
            return None
        pair_name, result, number = name.removeprefix("split of ").rpartition(" over path ")
        pair = self.paths.pair_index.get(pair_name)
        if not result or pair is None or not number.isdecimal() or str(int(number)) != number:
            return None
        rank = int(number) - 1
        return int(self.paths.first_path[pair]) + rank if 0 <= rank < self.paths.paths_of_pair[pair] else None

    @cached_property
    def _model(self) -> TorchRouting:
        """One for all targets: its constants are as large as all paths."""
        from dnnexplain.systems.routing.tensors import TorchRouting  # noqa: PLC0415 - torch when first needed

        return TorchRouting(self.paths)


class _Split:
    def __init__(self, index: int) -> None:
        self.index = index

    def __call__(self, outputs: Tensor, _observations: Tensor) -> Tensor:
        return outputs[:, self.index]


class _Utilisation:
    """Utilisation of one link, or of the busiest where ``link`` is ``None``."""

    def __init__(self, model: TorchRouting, link: int | None) -> None:
        self.model, self.link = model, link

    def __call__(self, outputs: Tensor, observations: Tensor) -> Tensor:
        used = self.model.utilisation(outputs, _newest(observations))
        return used.amax(-1) if self.link is None else used[..., self.link]


class _Ratio:
    def __init__(self, model: TorchRouting, oracle: RoutingOracle) -> None:
        self.busiest, self.oracle = _Utilisation(model, None), oracle

    def __call__(self, outputs: Tensor, observations: Tensor) -> Tensor:
        from dnnexplain.systems.routing.tensors import OptimalMLU  # noqa: PLC0415

        optimum: Tensor = OptimalMLU.apply(_newest(observations), self.oracle)  # type: ignore[no-untyped-call] # torch's
        # Nothing to route: the ratio of 0 to 0 counts as 1, with no gradient.
        some = optimum > 0
        ratio = self.busiest(outputs, observations) / optimum.where(some, optimum.new_ones(()))
        return ratio.where(some, ratio.new_ones(()))


def _newest(observations: Tensor) -> Tensor:
    return observations[:, -1] if observations.ndim == 3 else observations
