"""The power program as a second-order cone program, solved by Clarabel: the check on the duality solver.

Bengtsson and Ottersten (2001): turned so that ``h_u^H w_u`` is real, a user is served if
``|(h_u^H w_1, ..., h_u^H w_U, 1)| <= sqrt(1 + 1 / gamma_u) Re(h_u^H w_u)``; a head's limit is the cone
``|w_r| <= 1``. In units of a head's largest radiated power and of the noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["cone_power"]


def cone_power(
    channels: NDArray[np.complex128], head_of: NDArray[np.int64], gamma: NDArray[np.float64]
) -> tuple[float, NDArray[np.complex128] | None]:
    """The least radiated power, in a head's largest, and the beams ``[U, n]``; infinite and ``None`` if impossible.

    Args:
        channels: of the awake heads' antennas, divided by the noise's amplitude ``[U, n]``.
        head_of: the head of each antenna, counted from 0 among those awake ``[n]``.
        gamma: the signal-to-noise-and-interference ratio that each user needs ``[U]``, positive.

    Raises:
        DnnExplainError: the solver gave up, which says nothing about the program.
    """
    import clarabel  # noqa: PLC0415 - only where an independent solution is asked for
    from scipy.sparse import csc_array, eye_array  # noqa: PLC0415

    users, antennas = channels.shape
    size = 2 * users * antennas  # Re w_1, Im w_1, Re w_2, ...
    rows: list[NDArray[np.float64]] = []
    rights: list[NDArray[np.float64]] = []
    cones: list[object] = []
    imaginary = np.zeros((users, size))
    for u in range(users):
        imaginary[u] = _inner(channels[u], u, users)[1]
    rows.append(imaginary)
    rights.append(np.zeros(users))
    cones.append(clarabel.ZeroConeT(users))
    for u in range(users):
        block = np.zeros((2 * users + 2, size))
        block[0] = -np.sqrt(1 + 1 / gamma[u]) * _inner(channels[u], u, users)[0]
        for v in range(users):
            block[1 + 2 * v : 3 + 2 * v] = -_inner(channels[u], v, users)
        rows.append(block)
        rights.append(np.append(np.zeros(2 * users + 1), 1.0))
        cones.append(clarabel.SecondOrderConeT(2 * users + 2))
    for head in range(int(head_of.max()) + 1):
        own = [
            2 * antennas * u + part * antennas + i
            for u in range(users)
            for part in range(2)
            for i in np.flatnonzero(head_of == head)
        ]
        block = np.zeros((1 + len(own), size))
        block[1 + np.arange(len(own)), own] = -1.0
        rows.append(block)
        rights.append(np.append(1.0, np.zeros(len(own))))
        cones.append(clarabel.SecondOrderConeT(1 + len(own)))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    quadratic = csc_array(2.0 * eye_array(size, format="csc"))
    solver = clarabel.DefaultSolver(
        quadratic, np.zeros(size), csc_array(np.vstack(rows)), np.concatenate(rights), cones, settings
    )
    solution = solver.solve()
    status = str(solution.status)
    if "PrimalInfeasible" in status:
        return float("inf"), None
    if "Solved" not in status:
        msg = f"the cone program is neither solved nor refuted: Clarabel stopped with {status}"
        raise DnnExplainError(msg)
    halves = np.array(solution.x).reshape(users, 2, antennas)
    return float(solution.obj_val), halves[:, 0] + 1j * halves[:, 1]


def _inner(channel: NDArray[np.complex128], user: int, users: int) -> NDArray[np.float64]:
    """Rows of ``Re`` and ``Im`` of ``h^H w_user`` over all real unknowns ``[2, 2 U n]``."""
    antennas = len(channel)
    rows = np.zeros((2, users, 2, antennas))
    rows[0, user, 0], rows[0, user, 1] = channel.real, channel.imag
    rows[1, user, 0], rows[1, user, 1] = -channel.imag, channel.real
    return rows.reshape(2, -1)
