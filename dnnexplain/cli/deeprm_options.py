"""What DeepRM's commands share: which system, which policies, which workloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.contract import Choice, DnnExplainError

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.systems.deeprm import DeepRM, JobSet

__all__ = ["ORIGINAL_HELP", "SLOTS_HELP", "find_policy", "find_workloads", "make_deeprm", "only_deeprm"]

SLOTS_HELP = "Waiting jobs that the network sees."
ORIGINAL_HELP = "The published environment's rules: random colours, lingering jobs, a full backlog that forgets."


def only_deeprm(system: str) -> None:
    """Refuse a system that the command does not know."""
    if system != "deeprm":
        raise Choice("system for this command", system, ("deeprm",)).error()


def make_deeprm(slots: int, *, original: bool = False) -> DeepRM:
    """The system of a command line."""
    from dnnexplain.systems.deeprm import ORIGINAL_RULES, DeepRM, Params

    return DeepRM(Params(slots=slots, **(ORIGINAL_RULES if original else {})))


def find_policy(name: str, system: Any) -> Policy:
    """A rule by its name, a shipped network by its role, "untrained", or a weights file."""
    from dnnexplain.policies import load_any, shipped

    rules = system.rules()
    if name in rules:
        rule: Policy = rules[name]
        return rule
    path = Path(name)
    if not path.suffix and len(path.parts) == 1 and not path.exists() and name != "default":
        known = (*rules, *shipped(system), "untrained")
        if name not in known:
            raise Choice("policy", name, known).error()
    return load_any(name, system)


def find_workloads(source: str, system: DeepRM, *, sets: int, seed: int, rate: float, steps: int) -> list[JobSet]:
    """Job sets of a family by name, or from a file: a JSON or CSV list, or a log in the SWF.

    Says on stderr what was ignored, shifted, clipped or skipped in a file.
    """
    from dnnexplain.systems.deeprm.jobfiles import read_job_file, shift_to_first_step
    from dnnexplain.systems.deeprm.workloads import FAMILIES

    if source in FAMILIES:
        return list(system.workloads(source, sets, seed, rate=rate, steps=steps))
    path = Path(source)
    if not path.exists() and not path.suffix:
        raise Choice("workload", source, tuple(FAMILIES)).error()
    if any(source.lower().endswith(suffix) for suffix in system.log_suffixes):
        windows, said = system.log_windows(path, steps=steps)
        typer.echo(said, err=True)
        return list(windows)[:sets]
    found = read_job_file(path, system.params)
    for note in found.notes:
        typer.echo(f"{path}: {note}", err=True)
    if not len(found.jobs):
        msg = f"{path} lists no job"
        raise DnnExplainError(msg)
    return [shift_to_first_step(found.jobs)]
