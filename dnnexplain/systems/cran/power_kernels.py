"""The power program by uplink-downlink duality, compiled (Yu and Lan, IEEE Trans. Signal Processing 55:2646, 2007).

In units of a head's largest radiated power and of the noise, the program is: least ``sum |w_u|^2`` such that
``|h_u^H w_u|^2 >= gamma_u (1 + sum_{v != u} |h_u^H w_v|^2)`` and every head radiates at most 1. Its dual is the
largest ``sum lambda - sum mu`` over prices ``mu >= 0`` of the heads' limits, where ``lambda(mu)`` are the powers
of an uplink whose noise is ``q = 1 + mu`` per head:
``lambda_u = 1 / ((1 + 1 / gamma_u) B_uu)``, ``B = H^H (diag(q) + H diag(lambda) H^H)^-1 H``.

The right side is concave, increasing and positive at 0 (Yates, IEEE JSAC 13:1341, 1995), so Newton's method
converges to its one fixed point from any start, at last from above and monotonically. The dual is concave in
``mu``, with the heads' powers less 1 as its gradient: a projected Newton method climbs it. As no feasible program
radiates more than the number of heads, a dual value above it proves that there is no solution.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["INFEASIBLE", "SOLVED", "STALLED", "least_power", "powers_of_sets"]

SOLVED, INFEASIBLE, STALLED = 0, 1, 2
"""What became of a program: solved to the tolerance, proved impossible, or neither (none is known that does)."""

TOLERANCE = 1e-9
"""Of the duality gap, in a head's largest power, and of the heads' limits, relative."""

UPLINK_STEPS = 400
CLIMB_STEPS = 100


@njit(cache=True, nogil=True)
def solve_in_place(matrix, right):
    """Gaussian elimination with row pivoting: ``right`` [n, k] becomes the solution; false if singular."""
    n, k = right.shape
    for i in range(n):
        best = i
        for r in range(i + 1, n):
            if abs(matrix[r, i]) > abs(matrix[best, i]):
                best = r
        if abs(matrix[best, i]) < 1e-300:
            return False
        if best != i:
            for j in range(i, n):
                matrix[i, j], matrix[best, j] = matrix[best, j], matrix[i, j]
            for j in range(k):
                right[i, j], right[best, j] = right[best, j], right[i, j]
        inverse = 1.0 / matrix[i, i]
        for r in range(i + 1, n):
            factor = matrix[r, i] * inverse
            for j in range(i + 1, n):
                matrix[r, j] -= factor * matrix[i, j]
            for j in range(k):
                right[r, j] -= factor * right[i, j]
    for i in range(n - 1, -1, -1):
        for j in range(k):
            total = right[i, j]
            for r in range(i + 1, n):
                total -= matrix[i, r] * right[r, j]
            right[i, j] = total / matrix[i, i]
    return True


@njit(cache=True, nogil=True)
def gram(h, head_of, q, a):
    """``A = H^H diag(q)^-1 H`` [U, U] of channels ``h`` [U, n]."""
    users, antennas = h.shape
    for u in range(users):
        for v in range(u, users):
            total = 0j
            for i in range(antennas):
                total += h[u, i].conjugate() * h[v, i] / q[head_of[i]]
            a[u, v] = total
            a[v, u] = total.conjugate()


@njit(cache=True, nogil=True)
def filters(a, lam, t, b):
    """``T = (I + Lambda A)^-1`` and ``B = A T`` [U, U]: how the uplink's receivers see every user."""
    users = len(lam)
    matrix = np.empty((users, users), np.complex128)
    for u in range(users):
        for v in range(users):
            matrix[u, v] = lam[u] * a[u, v]
            t[u, v] = 0j
        matrix[u, u] += 1.0
        t[u, u] = 1.0
    solve_in_place(matrix, t)
    for u in range(users):
        for v in range(users):
            total = 0j
            for w in range(users):
                total += a[u, w] * t[w, v]
            b[u, v] = total


@njit(cache=True, nogil=True)
def uplink(a, need, prices, ceiling, lam, t, b):
    """The fixed point ``lambda(mu)`` by Newton's method from ``lam``; ``need`` is ``1 + 1 / gamma``.

    Where a Newton step has no meaning (the linear powers do not exist yet), the iteration itself is applied,
    stretched for as long as it stays below the fixed point, where every value is one of the dual.
    """
    users = len(lam)
    step, slope = np.empty((users, 1)), np.empty((users, users))
    target, safe, stretch = np.empty(users), np.empty(users), 1.0
    for _ in range(UPLINK_STEPS):
        filters(a, lam, t, b)
        below, total = True, 0.0
        for u in range(users):
            if not b[u, u].real > 0.0:  # rounding has spoilt it: the prices are too far apart
                return STALLED
            target[u] = 1.0 / (need[u] * b[u, u].real)
            below = below and lam[u] <= target[u]
            total += lam[u]
        if below and total - prices > ceiling:
            return INFEASIBLE
        if stretch > 1.0 and not below:
            lam[:] = safe
            stretch = 1.0
            continue
        for u in range(users):
            step[u, 0] = target[u]
            for v in range(users):
                share = target[u] * (b[u, v].real ** 2 + b[u, v].imag ** 2) / b[u, u].real
                slope[u, v] = -share
                step[u, 0] -= share * lam[v]
            slope[u, u] += 1.0
        meant = solve_in_place(slope, step)
        for u in range(users):
            meant = meant and step[u, 0] > 0.0 and np.isfinite(step[u, 0])
        stretch = 2.0 * stretch if below and not meant else 1.0
        change = 0.0
        for u in range(users):
            safe[u] = target[u]
            new = step[u, 0] if meant else lam[u] + max(1.0, 0.5 * stretch) * (target[u] - lam[u])
            change = max(change, abs(new - lam[u]) / new)
            lam[u] = new
        if meant and change < 1e-7:  # convergence is quadratic: the step just made is exact to rounding
            filters(a, lam, t, b)
            return SOLVED
    return STALLED


@njit(cache=True, nogil=True)
def downlink(h, head_of, q, lam, t, b, x, p, k, heads, jacobian):
    """Beams ``x`` [U, n], their powers ``p`` [U], their share per head ``k`` [U, R]; the heads' powers [R]."""
    users, antennas = h.shape
    hits = np.ones((users, 1))
    k[:] = 0.0
    heads[:] = 0.0
    for u in range(users):
        for i in range(antennas):
            total = 0j
            for w in range(users):
                total += h[w, i] * t[w, u]
            x[u, i] = total / q[head_of[i]]
            k[u, head_of[i]] += x[u, i].real ** 2 + x[u, i].imag ** 2
        for v in range(users):
            jacobian[u, v] = -(b[u, v].real ** 2 + b[u, v].imag ** 2)
        jacobian[u, u] += b[u, u].real / lam[u]
    solve_in_place(jacobian.copy(), hits)
    for u in range(users):
        p[u] = hits[u, 0]
        for r in range(len(heads)):
            heads[r] += p[u] * k[u, r]


@njit(cache=True, nogil=True)
def curvature(h, head_of, q, lam, b, x, p, k, jacobian, hessian):
    """Second derivatives of the dual in the prices [R, R]: how the heads' powers answer to them."""
    users, antennas = h.shape
    rows = len(q)
    change_b = np.empty((users, users), np.complex128)
    right = np.empty((users, 1))
    through = np.empty(users, np.complex128)
    for s in range(rows):
        for u in range(users):
            right[u, 0] = k[u, s]
        solve_in_place(jacobian.copy(), right)
        rise = right[:, 0].copy()  # of lambda
        for u in range(users):
            for v in range(users):
                total = 0j
                for i in range(antennas):
                    if head_of[i] == s:
                        total -= x[u, i].conjugate() * x[v, i]
                for w in range(users):
                    total -= b[u, w] * rise[w] * b[w, v]
                change_b[u, v] = total
        for u in range(users):
            total = 0.0
            for v in range(users):
                total += 2.0 * (b[u, v].conjugate() * change_b[u, v]).real * p[v]
            total -= (change_b[u, u].real / lam[u] - b[u, u].real * rise[u] / lam[u] ** 2) * p[u]
            right[u, 0] = total
        solve_in_place(jacobian.copy(), right)  # the rise of p
        for r in range(rows):
            hessian[r, s] = 0.0
        for u in range(users):
            for w in range(users):
                through[w] = rise[w] * b[w, u]
                for i in range(antennas):
                    if head_of[i] == s:
                        through[w] -= lam[w] * h[w, i].conjugate() / q[s] * x[u, i]
            for r in range(rows):
                hessian[r, s] += right[u, 0] * k[u, r]
            for i in range(antennas):
                change = -x[u, i] / q[s] if head_of[i] == s else 0j
                for w in range(users):
                    change -= x[w, i] * through[w]
                hessian[head_of[i], s] += 2.0 * p[u] * (x[u, i].conjugate() * change).real


@njit(cache=True, nogil=True)
def climb(mu, slope, hessian, direction):
    """A projected Newton direction [R] of the concave dual; heads without a price that radiate less than 1 stay."""
    rows = len(mu)
    free = np.empty(rows, np.int64)
    count = 0
    for r in range(rows):
        direction[r] = 0.0
        if mu[r] > 0.0 or slope[r] > 0.0:
            free[count] = r
            count += 1
    matrix, right = np.empty((count, count)), np.empty((count, 1))
    for i in range(count):
        right[i, 0] = slope[free[i]]
        for j in range(count):
            matrix[i, j] = -0.5 * (hessian[free[i], free[j]] + hessian[free[j], free[i]])
        matrix[i, i] += 1e-12 * abs(matrix[i, i]) + 1e-14
    solve_in_place(matrix, right)
    rising = 0.0
    for i in range(count):
        direction[free[i]] = right[i, 0]
        rising += right[i, 0] * slope[free[i]]
    if not rising > 0.0:  # rounding has spoilt the curvature
        for i in range(count):
            direction[free[i]] = slope[free[i]]


@njit(cache=True, nogil=True)
def least_power(h, head_of, gamma, heads, lam, mu, x, p):
    """One program: channels ``h`` [U, n], the heads of the antennas [n], needed ``gamma`` [U], all positive.

    Fills the heads' powers [R], the duals ``lam`` [U] and ``mu`` [R], beams ``x`` [U, n] with powers ``p`` [U]
    (``w_u = sqrt(p_u) x_u``). Gives the outcome, the power radiated and a lower bound on it.
    """
    users, antennas = h.shape
    rows = len(heads)
    need, q, trial = 1.0 + 1.0 / gamma, np.ones(rows), np.empty(rows)
    square = np.empty((3, users, users), np.complex128)
    a, t, b = square[0], square[1], square[2]
    k, jacobian = np.empty((users, rows)), np.empty((users, users))
    hessian, direction, slope, before = np.empty((rows, rows)), np.empty(rows), np.empty(rows), np.empty(users)
    mu[:] = 0.0
    if (gamma / (1.0 + gamma)).sum() >= antennas:  # the trace of (Q + S)^-1 S is less than the rank
        return INFEASIBLE, np.inf, np.inf
    gram(h, head_of, q, a)
    for u in range(users):
        lam[u] = 1.0 / (need[u] * a[u, u].real)
    outcome = uplink(a, need, 0.0, float(rows), lam, t, b)
    if outcome != SOLVED:
        return outcome, np.inf, np.inf if outcome == INFEASIBLE else 0.0
    value = lam.sum()
    for _ in range(CLIMB_STEPS):
        if value > rows:
            return INFEASIBLE, np.inf, np.inf
        downlink(h, head_of, q, lam, t, b, x, p, k, heads, jacobian)
        excess, slack = 0.0, 0.0
        for r in range(rows):
            slope[r] = heads[r] - 1.0
            excess = max(excess, slope[r])
            slack += mu[r] * abs(slope[r])
        if excess <= TOLERANCE and slack <= TOLERANCE:
            return SOLVED, heads.sum(), value
        curvature(h, head_of, q, lam, b, x, p, k, jacobian, hessian)
        climb(mu, slope, hessian, direction)
        size = 1.0
        before[:] = lam
        while True:
            promise = 0.0
            for r in range(rows):
                trial[r] = max(0.0, mu[r] + size * direction[r])
                promise += slope[r] * (trial[r] - mu[r])
                q[r] = 1.0 + trial[r]
            gram(h, head_of, q, a)
            lam[:] = before
            outcome = uplink(a, need, trial.sum(), float(rows), lam, t, b)
            if outcome == STALLED and size >= 1e-10:
                size *= 0.1
                continue
            if outcome != SOLVED:
                mu[:] = trial  # with lam, the proof
                return outcome, np.inf, np.inf if outcome == INFEASIBLE else value
            raised = lam.sum() - trial.sum()
            if raised >= value + 1e-4 * promise - 1e-13 * max(1.0, value) or size < 1e-10:
                break
            size *= 0.5
        mu[:] = trial
        value = raised
    return STALLED, np.inf, value


@njit(cache=True, nogil=True)
def part_of(h, head_of, gamma, heads, awake):
    """What a set of awake heads leaves of a program: channels [U', n], their heads counted anew [n], needs [U'].

    Users without demand need nothing and are left out. The last value is the number of heads awake.
    """
    rank = np.full(heads, -1, np.int64)
    count = 0
    for r in range(heads):
        if (awake >> r) & 1:
            rank[r] = count
            count += 1
    users, antennas = np.flatnonzero(gamma > 0.0), np.flatnonzero(rank[head_of] >= 0)
    part = np.empty((len(users), len(antennas)), np.complex128)
    for u in range(len(users)):
        for i in range(len(antennas)):
            part[u, i] = h[users[u], antennas[i]]
    return part, rank[head_of[antennas]], gamma[users], count


@njit(cache=True, nogil=True)
def powers_of_sets(h, head_of, gamma, sets, radiated, lower, outcome):
    """Programs of slots and sets of awake heads: radiated power, a lower bound on it, and the outcome, all [T, S].

    ``h`` [T, U, N], ``gamma`` [T, U], ``sets`` [T, S] as bits. A set that cannot serve gets infinity.
    """
    heads = head_of.max() + 1
    for slot in range(len(h)):
        for j in range(sets.shape[1]):
            part, owner, need, count = part_of(h[slot], head_of, gamma[slot], heads, sets[slot, j])
            users = len(need)
            if users == 0:
                outcome[slot, j], radiated[slot, j], lower[slot, j] = SOLVED, 0.0, 0.0
                continue
            lam, p, x = np.empty(users), np.empty(users), np.empty(part.shape, np.complex128)
            result = least_power(part, owner, need, np.empty(count), lam, np.empty(count), x, p)
            outcome[slot, j], radiated[slot, j], lower[slot, j] = result
