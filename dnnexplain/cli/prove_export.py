"""``dnnexplain prove --export``: a network and a property's cases for other people's verifiers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnexplain.cli.files import made_folder
from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

if TYPE_CHECKING:
    from dnnexplain.contract import Property

__all__ = ["exported", "told_of", "writable"]

NETWORK, PAIRS = "network.onnx", "network-of-pairs.onnx"
SECONDS = 60
NOTE = (
    "a box of cells is a superset of the states: with no violation in it the property holds, one in it may be no state"
)


def writable(claim: Property) -> None:
    """Refuse a property of which no case can be written.

    Raises:
        DnnExplainError: all speak of the state that a decision leads to.
    """
    if claim.cases and all(case.then is not None for case in claim.cases):
        msg = (
            f"{claim.name} speaks of a state and of the one that a decision leads to, and VNN-LIB has no form for the step between "
            "them; leave --export out to settle it here, or export one that speaks of one decision"
        )
        raise DnnExplainError(msg)


def exported(folder: Path, world: Any, network: Any, claim: Property, background: Any) -> dict[str, Any]:
    """The network, a file for each case, and a list of both as competitions of verifiers read it.

    Cases of two states are asked of a second file, in which the network stands twice.
    """
    from dnnexplain.explain.proofs.relaxation import EmptyGroups
    from dnnexplain.explain.proofs.vnnlib import vnnlib
    from dnnexplain.policies.onnx_files import save_onnx
    from dnnexplain.policies.pairs import OfPairs

    save_onnx(made_folder(folder, "--export") / NETWORK, network)
    if any(case.change is not None for case in claim.cases):
        save_onnx(folder / PAIRS, OfPairs(network.module), (2, *world.observation_shape))
    files: dict[str, str] = {}
    left = []
    for place, case in enumerate(claim.cases):
        if case.then is not None:
            left.append(case.name)
            continue
        path = folder / f"case-{place}.vnnlib"
        try:
            path.write_text(vnnlib(world, case, background))
        except EmptyGroups:  # nothing to violate
            left.append(case.name)
            continue
        files[path.name] = NETWORK if case.change is None else PAIRS
    (folder / "instances.csv").write_text("".join(f"{of},{name},{SECONDS}\n" for name, of in files.items()))
    return {"folder": str(folder), "cases": list(files), "networks": files, "left_out": left, "note": NOTE}


def told_of(written: dict[str, Any]) -> str:
    """What was written, in a sentence or two."""
    left = len(written["left_out"])
    said = f"Written to {written['folder']}: {counted(len(written['cases']), 'case')} as VNN-LIB, and what they are asked of as ONNX."
    return f"{said} Left out: {counted(left, 'case')} without a state, or of two steps." if left else said
