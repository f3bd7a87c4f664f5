# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Options of groups of knobs, compiled: which a box holds, which are best, and which no longer matter.

An option is left out where even the best of all others with it stays under what is asked, by the multipliers at hand: the
reduced-cost fixing of integer programming (Dantzig, Fulkerson and Johnson, 1954).
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["allowed", "largest_of", "shown_by", "span", "worth_keeping"]


@njit(cache=True, nogil=True)
def allowed(groups, low, high, kept, ends):
    """Leave those options of each list that lie in a box, in place; whether each list has one.

    Args:
        groups: the lists.
        low, high: the box ``[E]``.
        kept: options, list by list; those that stay come first.
        ends: where each list begins among them, and where the last one ends ``[G + 1]``.
    """
    at, begin = 0, 0
    for g in range(len(groups.start) - 1):
        end = ends[g + 1]
        ends[g] = at
        for where in range(begin, end):
            n = kept[where]
            fits = True
            for k in range(groups.places.shape[1]):
                place = groups.places[g, k]
                if place >= 0 and (
                    groups.options[n, k] < low[place] - 1e-9 or groups.options[n, k] > high[place] + 1e-9
                ):
                    fits = False
                    break
            if fits:
                kept[at] = n
                at += 1
        begin = end
        if at == ends[g]:
            return False
    ends[len(groups.start) - 1] = at
    return True


@njit(cache=True, nogil=True)
def span(groups, kept, ends, low, high):
    """Narrow a box, in place, to what the options that are kept leave of it."""
    for g in range(len(groups.start) - 1):
        for k in range(groups.places.shape[1]):
            place = groups.places[g, k]
            if place >= 0:
                least, most = np.inf, -np.inf
                for at in range(ends[g], ends[g + 1]):
                    least = min(least, groups.options[kept[at], k])
                    most = max(most, groups.options[kept[at], k])
                low[place], high[place] = max(low[place], least), min(high[place], most)


@njit(cache=True, nogil=True)
def _worth(groups, g, n, weights, costs, priced, budget_price):
    """What option ``n`` of list ``g`` adds: its weights, less what its values are priced at."""
    worth = 0.0
    for p in range(groups.numbers.shape[1]):
        if groups.numbers[n, p] >= 0:
            worth += weights[groups.numbers[n, p]]
    if priced:
        for k in range(groups.places.shape[1]):
            place = groups.places[g, k]
            if place >= 0:
                x = groups.options[n, k]
                worth -= costs[place] * x + budget_price * groups.price[place] * abs(x - groups.centre[place])
    return worth


@njit(cache=True, nogil=True)
def worth_keeping(groups, kept, ends, weights, costs, priced, budget_price, room):
    """Leave those options that come within ``room`` of their list's best, in place: no other state is above the question."""
    at, begin = 0, 0
    scores = np.empty(len(kept))
    for g in range(len(groups.start) - 1):
        end, best = ends[g + 1], -np.inf
        for where in range(begin, end):
            scores[where] = _worth(groups, g, kept[where], weights, costs, priced, budget_price)
            best = max(best, scores[where])
        ends[g] = at
        for where in range(begin, end):
            if scores[where] >= best - room:
                kept[at] = kept[where]
                at += 1
        begin = end
    ends[len(groups.start) - 1] = at


@njit(cache=True, nogil=True)
def largest_of(groups, kept, ends, low, high, weights, prices, budget_price, chosen, knobs):
    """The largest sum of ``weights @ values`` less what is priced; notes the choice. Lists' options, then lines."""
    total = 0.0
    costs = np.zeros(len(low))
    priced = budget_price > 0.0
    for r in range(len(prices)):
        if prices[r] > 0.0:
            priced = True
            for k in range(len(low)):
                costs[k] += prices[r] * groups.weights[r, k]
    for g in range(len(groups.start) - 1):
        best, which = -np.inf, kept[ends[g]]
        for at in range(ends[g], ends[g + 1]):
            n = kept[at]
            score = _worth(groups, g, n, weights, costs, priced, budget_price)
            if score > best:
                best, which = score, n
        total += best
        chosen[g] = which
        for k in range(groups.places.shape[1]):
            if groups.places[g, k] >= 0:
                knobs[groups.places[g, k]] = groups.options[which, k]
    for i in range(len(groups.line_place)):
        place = groups.line_place[i]
        weight = weights[groups.line_number[i]] - costs[place]
        price = budget_price * groups.price[place]
        best, where = weight * low[place] - price * abs(low[place] - groups.centre[place]), low[place]
        score = weight * high[place] - price * abs(high[place] - groups.centre[place])
        if score > best:
            best, where = score, high[place]
        if price > 0.0:
            x = min(max(groups.centre[place], low[place]), high[place])
            score = weight * x - price * abs(x - groups.centre[place])
            if score >= best:
                best, where = score, x
        total += best
        knobs[place] = where
    return total


@njit(cache=True, nogil=True)
def shown_by(groups, chosen, knobs, values):
    """The input values of a choice."""
    for v in range(len(values)):
        values[v] = 0.0
    for g in range(len(groups.start) - 1):
        for p in range(groups.numbers.shape[1]):
            if groups.numbers[chosen[g], p] >= 0:
                values[groups.numbers[chosen[g], p]] = 1.0
    for i in range(len(groups.line_place)):
        values[groups.line_number[i]] = knobs[groups.line_place[i]]
