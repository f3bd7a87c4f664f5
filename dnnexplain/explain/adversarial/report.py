"""The words of an attack: what was found, what is proved, and how far the proof reaches."""

from __future__ import annotations

import numpy as np

from dnnexplain.counts import counted, joined
from dnnexplain.explain.adversarial.moves import ROUNDING
from dnnexplain.explain.adversarial.result import Change, Flip
from dnnexplain.explain.adversarial.run import Run
from dnnexplain.explain.adversarial.verdicts import Kind, Verdict
from dnnexplain.explain.proofs import Certificate
from dnnexplain.numbers import number

__all__ = ["told_changes", "words"]


def told_changes(changes: tuple[Change, ...]) -> str:
    """``job 1 length from 3 to 2 steps and job 2 cpu from 4 to 5 units``."""
    return joined(change.words() for change in changes)


def words(
    run: Run, best: Flip | None, *, proved: bool, radius: float, single: float, certificate: Certificate | None = None
) -> str:
    """Two or three sentences on a finished or interrupted search.

    Args:
        run: the search.
        best: the change it found.
        proved: whether nothing cheaper is adversarial.
        radius, single: proved free of (cheaper) adversarial changes, of any and of a single object.
        certificate: that the search decided as the policy does; one that does not hold is quoted.
    """
    first = (
        _nothing(run, radius, single)
        if best is None
        else f"{_found_words(run.witness.before, best)} {_proof(run, best, proved=proved, radius=radius, single=single)}"
    )
    parts = [first, _followed(run, best), _undecided(run)]
    if certificate is not None and not certificate.holds:
        parts.append(certificate.sentence())
    if run.ended_by == "seconds":
        parts.append("The limit in seconds ended it; a limit in rounds ends it alike on every machine.")
    if run.stopped and max(run.radius, run.single_radius) > 0:
        parts.append("The search was stopped before its end; it can be resumed.")
    return " ".join(part for part in (*parts, *run.moves.notes) if part)


def _found_words(before: Verdict, best: Flip) -> str:
    after = best.after
    truth = " or ".join(after.best_names)
    sure = (
        "" if not (before.estimated or after.estimated) else " By an estimate of the oracle: its losses are not proved."
    )
    was = "was a best one" if before.action in before.best_actions else f"already lost {number(before.loss)}"
    return (
        f"{_capital(told_changes(best.changes))} (cost {number(best.distance)}) flips the decision from {before.name} "
        f"to {after.name}, although {truth} is best: it costs {number(after.loss)} more at best ({after.unit}); the decision "
        f"before {was}.{sure}"
    )


def _proof(run: Run, best: Flip, *, proved: bool, radius: float, single: float) -> str:
    if proved:
        which = (
            "" if run.most == len(run.moves.atoms) else f" of at most {run.most} object{'s' if run.most > 1 else ''}"
        )
        return f"Proved minimal: every cheaper change{which} was looked at, and none is adversarial."
    several = f" Of several objects, none that costs {number(radius)} or less is." if radius > 0 else ""
    if single >= best.distance - 10 * ROUNDING:
        return f"No cheaper change of a single object is adversarial (proved).{several}"
    if radius > 0:
        return f"Not proved minimal: no change that costs {number(radius)} or less is adversarial, beyond that others may be."
    return f"Not proved minimal: the best of {counted(run.evaluated, 'state')}."


def _nothing(run: Run, radius: float, single: float) -> str:
    if radius == np.inf:
        many = "" if run.most == len(run.moves.atoms) else f" of at most {run.most} object{'s' if run.most > 1 else ''}"
        return f"Proved: no allowed change{many} makes this decision worse; all {run.evaluated:,} were looked at."
    if radius > 0:
        return f"Proved: no change that costs {number(radius)} or less makes this decision worse ({counted(run.evaluated, 'state')})."
    if single > 0:
        far = "" if single == np.inf else f" that costs {number(single)} or less"
        return (
            f"Proved: no change of a single object{far} makes this decision worse ({counted(run.evaluated, 'state')})."
        )
    return f"No adversarial change among {counted(run.evaluated, 'state')}; that proves nothing."


def _followed(run: Run, best: Flip | None) -> str:
    flip = run.others.get(Kind.DOMAIN.value)
    if flip is None or (best is not None and flip.distance >= best.distance):
        return ""
    return (
        f"{_capital(told_changes(flip.changes))} (cost {number(flip.distance)}) flips it too, to {flip.after.name}, but that "
        "is the best decision then: a change of the domain, not counted."
    )


def _undecided(run: Run) -> str:
    if not np.isfinite(run.undecided) or run.witness.before.estimated:
        return ""
    return f"In {counted(run.counts[Kind.UNDECIDED.value], 'state')} the oracle ran out of time, from a cost of {number(run.undecided)} on nothing is proved."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
