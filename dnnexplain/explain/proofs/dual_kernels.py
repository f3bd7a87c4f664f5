# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""An upper bound on the smallest of some outputs over a set of states, and the multipliers that lower it, compiled.

What bends is replaced by straight lines above or below it, from the outputs back to the groups (Zhang et al.,
CROWN, NeurIPS 2018), whose largest values are then exact. The slopes of lower lines and the prices of what else must
hold (a neuron's side, a relation, a budget) are improved by descent (Xu et al., ICLR 2021; Wang et al., beta-CROWN,
NeurIPS 2021): for any slopes and any prices of the right sign the bound is one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dnnexplain.explain.proofs.option_kernels import allowed, largest_of, shown_by, worth_keeping

__all__ = [
    "RANGE",
    "RELU",
    "SIGMOID",
    "TANH",
    "NetArrays",
    "bounds_of_kept",
    "curve_lines",
    "descend",
    "first_bounds",
    "forward",
]

RELU, SIGMOID, TANH, RANGE = 0, 1, 2, 3
"""What bends; of a range nothing is known but its ends."""
Floats = NDArray[np.float64]


class NetArrays(NamedTuple):
    """What bends, in running order; bend ``j`` makes value ``V + j``.

    Attributes:
        inputs: values before the first bend, ``V``, in an array ``[1]``.
        start, columns, weights: of each bend's form, as sparse rows.
        constants: ``[n]``.
        kinds: which curve ``[n]``.
        rows, offsets: the outputs whose smallest is asked about ``[r, V + n]`` and ``[r]``.
    """

    inputs: NDArray[np.int64]
    start: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: Floats
    constants: Floats
    kinds: NDArray[np.int64]
    rows: Floats
    offsets: Floats


@njit(cache=True, nogil=True)
def _curve(kind, h):
    if kind == 1:
        return 1.0 / (1.0 + np.exp(-h))
    return np.tanh(h) if kind == 2 else h


@njit(cache=True, nogil=True)
def _steep(kind, h):
    y = _curve(kind, h)
    return y * (1.0 - y) if kind == 1 else 1.0 - y * y


@njit(cache=True, nogil=True)
def _above(kind, lo, hi):
    """Slope and constant of a line above a sigmoid or tanh between ``lo`` and ``hi``."""
    first, second = _curve(kind, lo), _curve(kind, hi)
    chord = (second - first) / (hi - lo)
    if hi <= 0.0:
        return chord, first - chord * lo
    if lo >= 0.0:
        middle = 0.5 * (lo + hi)
        slope = _steep(kind, middle)
        return slope, _curve(kind, middle) - slope * middle
    # A tangent right of 0 that passes above the left end; bisection keeps the side on which it does.
    near, far = 0.0, hi
    slope = _steep(kind, far)
    if second + slope * (lo - far) < first:
        return chord, first - chord * lo
    for _ in range(30):
        middle = 0.5 * (near + far)
        if _curve(kind, middle) + _steep(kind, middle) * (lo - middle) >= first:
            far = middle
        else:
            near = middle
    slope = _steep(kind, far)
    return slope, _curve(kind, far) - slope * far


@njit(cache=True, nogil=True)
def curve_lines(kind, lo, hi):
    """Lines above and below a sigmoid or tanh between ``lo`` and ``hi``: two slopes, two constants.

    Both curves are mirror images of themselves about their middle, so that the line below is that above, mirrored.
    """
    if hi - lo < 1e-9:
        return 0.0, _curve(kind, hi) + 1e-12, 0.0, _curve(kind, lo) - 1e-12
    up, over = _above(kind, lo, hi)
    down, under = _above(kind, -hi, -lo)
    # 1 - sigmoid(-h) is the sigmoid; -tanh(-h) is the tanh.
    under = 1.0 - under if kind == 1 else -under
    return up, over + 1e-12, down, under - 1e-12


@njit(cache=True, nogil=True)
def _lines(kind, lo, hi, alpha):
    """Slope and constant of the line above and of the line below, the latter as ``alpha`` in [0, 1] says."""
    if kind == 3:
        return 0.0, hi, 0.0, lo
    if kind != 0:
        return curve_lines(kind, lo, hi)
    if lo >= 0.0:
        return 1.0, 0.0, 1.0, 0.0
    if hi <= 0.0:
        return 0.0, 0.0, 0.0, 0.0
    up = hi / (hi - lo)
    return up, -up * lo, alpha, 0.0


@njit(cache=True, nogil=True)
def forward(net, values):
    """Compute all bends from the inputs in ``values`` ``[V + n]``, and the smallest row."""
    first = net.inputs[0]
    for j in range(len(net.constants)):
        h = net.constants[j]
        for at in range(net.start[j], net.start[j + 1]):
            h += net.weights[at] * values[net.columns[at]]
        if net.kinds[j] == 0:
            values[first + j] = max(h, 0.0)
        else:
            values[first + j] = _curve(net.kinds[j], h)
    least = np.inf
    for r in range(len(net.offsets)):
        total = net.offsets[r]
        for v in range(len(values)):
            total += net.rows[r, v] * values[v]
        least = min(least, total)
    return least


@njit(cache=True, nogil=True)
def first_bounds(net, groups, low, high, lo, hi, bends):
    """Tighten ``lo`` and ``hi`` of the bends that see inputs alone; exact but for relations. False if a set is empty."""
    kept, ends = np.arange(len(groups.options)), groups.start.copy()
    return allowed(groups, low, high, kept, ends) and bounds_of_kept(net, groups, kept, ends, low, high, lo, hi, bends)


@njit(cache=True, nogil=True)
def bounds_of_kept(net, groups, kept, ends, low, high, lo, hi, bends):
    """The same, of those options that are kept (:func:`allowed`) and lines between ``low`` and ``high``."""
    first = net.inputs[0]
    weights = np.zeros(first)
    for at_bend in range(len(bends)):
        j = bends[at_bend]
        for at in range(net.start[j], net.start[j + 1]):
            weights[net.columns[at]] = net.weights[at]
        least, most = net.constants[j], net.constants[j]
        for g in range(len(groups.start) - 1):
            down, up = np.inf, -np.inf
            for at in range(ends[g], ends[g + 1]):
                score = 0.0
                for p in range(groups.numbers.shape[1]):
                    if groups.numbers[kept[at], p] >= 0:
                        score += weights[groups.numbers[kept[at], p]]
                down, up = min(down, score), max(up, score)
            least += down
            most += up
        for i in range(len(groups.line_place)):
            weight = weights[groups.line_number[i]]
            left, right = weight * low[groups.line_place[i]], weight * high[groups.line_place[i]]
            least += min(left, right)
            most += max(left, right)
        slack = 1e-9 * (1.0 + abs(least) + abs(most))
        lo[j], hi[j] = max(lo[j], least - slack), min(hi[j], most + slack)
        for at in range(net.start[j], net.start[j + 1]):
            weights[net.columns[at]] = 0.0
        if lo[j] > hi[j]:
            return False
    return True


@njit(cache=True, nogil=True)
def _within(net, groups, kept, ends):
    """The network without those inputs that no option left can set: mostly a small part of it, gone through many times."""
    first = net.inputs[0]
    live = np.zeros(first, dtype=np.bool_)
    for at in range(ends[len(groups.start) - 1]):
        for p in range(groups.numbers.shape[1]):
            if groups.numbers[kept[at], p] >= 0:
                live[groups.numbers[kept[at], p]] = True
    for i in range(len(groups.line_number)):
        live[groups.line_number[i]] = True
    start = np.zeros_like(net.start)
    columns, weights = np.empty_like(net.columns), np.empty_like(net.weights)
    to = 0
    for j in range(len(net.constants)):
        for at in range(net.start[j], net.start[j + 1]):
            v = net.columns[at]
            if v >= first or live[v]:
                columns[to], weights[to] = v, net.weights[at]
                to += 1
        start[j + 1] = to
    return NetArrays(net.inputs, start, columns[:to], weights[:to], net.constants, net.kinds, net.rows, net.offsets)


@njit(cache=True, nogil=True)
def descend(
    net,
    groups,
    kept,
    ends,
    low,
    high,
    lo,
    hi,
    sides,
    alpha,
    prices,
    shares,
    ties,
    rounds,
    below,
    leave,
    gaps,
    knobs,
    tried,
    wander,
    slopes,
):
    """Lower the bound of one part of the states, by at most ``rounds`` steps.

    Args:
        net, groups: network and states.
        kept, ends: options of each list that the part holds (:func:`allowed`); those with which no state comes above
            ``leave`` are left out, in place.
        low, high: the part's box of knobs ``[E]``.
        lo, hi: bounds of what each bend gets ``[n]``.
        sides: which of them must be asked for, bit 1 the lower, bit 2 the upper ``[n]``.
        alpha: slopes of lower lines, changed in place ``[n]``.
        prices: of the lower and upper sides ``[n, 2]``, changed in place.
        shares: of the rows, in all 1 ``[r]``, changed in place.
        ties: prices of relations, the budget's last ``[R + 1]``, changed in place.
        rounds: steps.
        below: ends when the bound is under it.
        leave: -inf leaves no option out.
        gaps: set to how far each bend is from its line at the choice that attains the bound ``[n]``.
        knobs: set to that choice ``[E]``.
        tried: set to the best choice by the network itself ``[E + 1]``, its smallest row last.
        wander: set to the mean of the choices of the later steps, and to how far they are apart ``[2, E]``.
        slopes: set to what each input adds to the bound ``[V]``, less what is priced.

    Returns:
        The bound; -inf for an empty part.
    """
    net = _within(net, groups, kept, ends)
    bends, first, count = len(net.constants), net.inputs[0], len(net.offsets)
    chosen = np.zeros(max(len(groups.start) - 1, 1), dtype=np.int64)
    weights, values, real = np.zeros(first + bends), np.zeros(first + bends), np.zeros(first + bends)
    coefficient, used, level, inputs = np.zeros(bends), np.zeros(bends), np.zeros(bends), np.zeros(bends)
    relations = len(groups.most)
    speed, spread = np.zeros(3 * bends + count + relations + 1), np.zeros(3 * bends + count + relations + 1)
    now = np.zeros_like(speed)
    best = np.inf
    kept_alpha, kept_prices, kept_shares, kept_ties = alpha.copy(), prices.copy(), shares.copy(), ties.copy()
    slopes[:] = 0.0
    scale = 1e-12
    squares, steps = np.zeros(len(low)), 0
    wander[:] = 0.0
    for step in range(rounds):
        # --- back: the rows as one sum over inputs ---
        weights[:] = 0.0
        bound = 0.0
        for r in range(count):
            bound += shares[r] * net.offsets[r]
            for v in range(first + bends):
                weights[v] += shares[r] * net.rows[r, v]
        for j in range(bends - 1, -1, -1):
            a = weights[first + j]
            scale = max(scale, abs(a))
            up, over, down, under = _lines(net.kinds[j], lo[j], hi[j], alpha[j])
            coefficient[j] = a
            used[j], level[j] = (up, over) if a > 0.0 else (down, under)
            pre = a * used[j]
            bound += a * level[j]
            if sides[j] & 1:
                pre += prices[j, 0]
                bound -= prices[j, 0] * lo[j]
            if sides[j] & 2:
                pre -= prices[j, 1]
                bound += prices[j, 1] * hi[j]
            if pre != 0.0:
                bound += pre * net.constants[j]
                for at in range(net.start[j], net.start[j + 1]):
                    weights[net.columns[at]] += pre * net.weights[at]
        for r in range(relations):
            bound += ties[r] * groups.most[r]
        budget = ties[relations] if groups.budget[0] < np.inf else 0.0
        if budget > 0.0:
            bound += budget * groups.budget[0]
        bound += largest_of(groups, kept, ends, low, high, weights[:first], ties[:relations], budget, chosen, knobs)
        if 2 * step >= rounds:
            steps += 1
            for k in range(len(low)):
                wander[0, k] += knobs[k]
                squares[k] += (knobs[k] - low[k]) * (knobs[k] - low[k])
        # --- forth: the network at the choice, and its lines ---
        shown_by(groups, chosen, knobs, values[:first])
        real[:first] = values[:first]
        least = forward(net, real)
        if least > tried[len(tried) - 1]:
            fits = True
            for r in range(relations):
                total = 0.0
                for k in range(len(low)):
                    total += groups.weights[r, k] * knobs[k]
                fits = fits and total <= groups.most[r] + 1e-9
            if groups.budget[0] < np.inf:
                total = 0.0
                for k in range(len(low)):
                    total += groups.price[k] * abs(knobs[k] - groups.centre[k])
                fits = fits and total <= groups.budget[0] + 1e-9
            if fits:
                tried[:-1] = knobs
                tried[len(tried) - 1] = least
        for j in range(bends):
            h = net.constants[j]
            for at in range(net.start[j], net.start[j + 1]):
                h += net.weights[at] * values[net.columns[at]]
            inputs[j] = h
            values[first + j] = used[j] * h + level[j]
        if bound < best:
            best = bound
            slopes[:] = weights[:first]
            kept_alpha[:], kept_prices[:], kept_shares[:], kept_ties[:] = alpha, prices, shares, ties
            for j in range(bends):
                h = inputs[j]
                y = max(h, 0.0) if net.kinds[j] == 0 else _curve(net.kinds[j], h)
                gaps[j] = (
                    abs(coefficient[j]) * abs(used[j] * h + level[j] - y)
                    if net.kinds[j] != 3 and (lo[j] < h < hi[j] or lo[j] < 0.0 < hi[j])
                    else 0.0
                )
        if best < below or step == rounds - 1:
            break
        # --- a step down (Kingma and Ba, Adam, ICLR 2015) ---
        for j in range(bends):
            opened = net.kinds[j] == 0 and lo[j] < 0.0 < hi[j]
            now[j] = coefficient[j] * inputs[j] if opened and coefficient[j] < 0.0 else 0.0
            now[bends + j] = inputs[j] - lo[j] if sides[j] & 1 else 0.0
            now[2 * bends + j] = hi[j] - inputs[j] if sides[j] & 2 else 0.0
        for r in range(count):
            total = net.offsets[r]
            for v in range(first + bends):
                total += net.rows[r, v] * values[v]
            now[3 * bends + r] = total
        for r in range(relations):
            total = groups.most[r]
            for k in range(len(low)):
                total -= groups.weights[r, k] * knobs[k]
            now[3 * bends + count + r] = total
        if groups.budget[0] < np.inf:
            total = groups.budget[0]
            for k in range(len(low)):
                total -= groups.price[k] * abs(knobs[k] - groups.centre[k])
            now[len(now) - 1] = total
        fade = 1.0 / (1.0 + 0.15 * step)
        for i in range(len(now)):
            speed[i] = 0.7 * speed[i] + 0.3 * now[i]
            spread[i] = 0.9 * spread[i] + 0.1 * now[i] * now[i]
            if spread[i] == 0.0:
                continue
            move = (
                fade * speed[i] / (1.0 - 0.7 ** (step + 1)) / (np.sqrt(spread[i] / (1.0 - 0.9 ** (step + 1))) + 1e-12)
            )
            if i < bends:
                alpha[i] = min(max(alpha[i] - 0.25 * move, 0.0), 1.0)
            elif i < 2 * bends:
                prices[i - bends, 0] = max(prices[i - bends, 0] - 0.15 * scale * move, 0.0)
            elif i < 3 * bends:
                prices[i - 2 * bends, 1] = max(prices[i - 2 * bends, 1] - 0.15 * scale * move, 0.0)
            elif i < 3 * bends + count:
                shares[i - 3 * bends] *= np.exp(-0.6 * move)
            else:
                ties[i - 3 * bends - count] = max(ties[i - 3 * bends - count] - 0.3 * scale * move, 0.0)
        total = 0.0
        for r in range(count):
            shares[r] = max(shares[r], 1e-9)
            total += shares[r]
        shares /= total
    alpha[:], prices[:], shares[:], ties[:] = kept_alpha, kept_prices, kept_shares, kept_ties
    if leave > -np.inf and best >= below:
        costs, priced = np.zeros(len(low)), False
        for r in range(relations):
            for k in range(len(low)):
                costs[k] += ties[r] * groups.weights[r, k]
            priced = priced or ties[r] > 0.0
        budget = ties[relations] if groups.budget[0] < np.inf else 0.0
        worth_keeping(groups, kept, ends, slopes, costs, priced or budget > 0.0, budget, best - leave)
    for k in range(len(low)):
        wander[0, k] /= max(steps, 1)
        wander[1, k] = np.sqrt(max(squares[k] / max(steps, 1) - (wander[0, k] - low[k]) ** 2, 0.0))
    return best
