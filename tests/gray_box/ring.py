"""A ring of four nodes with two ways round for each of its twelve pairs: small enough for brute force."""

from __future__ import annotations

import highspy
import numpy as np
import torch

from dnnexplain.contract import Bound
from dnnexplain.explain.gray_box import (
    Alternative,
    Autodiff,
    Carry,
    Domain,
    Envelope,
    Formula,
    Inner,
    Pipeline,
    Problem,
    WhiteBox,
    Witness,
)

PAIRS = [(a, b) for a in range(4) for b in range(4) if a != b]
LINKS = [(a, (a + 1) % 4) for a in range(4)] + [((a + 1) % 4, a) for a in range(4)]


def _path(a, b, way):
    steps = []
    while a != b:
        steps.append(LINKS.index((a, (a + way) % 4)))
        a = (a + way) % 4
    return steps


PATHS = [(pair, _path(*ends, way)) for pair, ends in enumerate(PAIRS) for way in (1, -1)]
OWNER = np.array([pair for pair, _ in PATHS])
SERVE = (OWNER[None] == np.arange(12)[:, None]).astype(float)  # [12, 24]
USE = np.array([[link in path for _, path in PATHS] for link in range(8)], dtype=float)  # [8, 24]


class Solver:
    """The smallest largest load of a demand, and its derivative, by HiGHS."""

    def __init__(self):
        self.highs = _program(np.r_[np.zeros(24), 1.0], np.hstack([np.vstack([SERVE, USE]), _price()]), 12)
        self.calls = 0

    def __call__(self, x):
        values, slopes = np.zeros(len(x)), np.zeros_like(x)
        for row, demand in enumerate(x):
            self.calls += 1
            scale = demand.max()
            if scale > 0:
                self.highs.changeRowsBounds(12, np.arange(12, dtype=np.int32), demand / scale, demand / scale)
                self.highs.run()
                values[row] = self.highs.getInfo().objective_function_value * scale
                slopes[row] = np.array(self.highs.getSolution().row_dual)[:12]
        return values, slopes


def _price():
    return np.r_[np.zeros(12), -np.ones(8)][:, None]


def _program(cost, matrix, equal, *, limit=0.0):
    rows, columns = matrix.shape
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = columns, rows
    program.col_cost_, program.col_lower_ = cost, np.zeros(columns)
    program.col_upper_ = np.full(columns, highspy.kHighsInf)
    program.row_lower_ = np.r_[np.zeros(equal), np.full(rows - equal, -highspy.kHighsInf)]
    program.row_upper_ = np.r_[np.zeros(equal), np.full(rows - equal, limit)]
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.arange(rows + 1) * columns
    program.a_matrix_.index_ = np.tile(np.arange(columns), rows)
    program.a_matrix_.value_ = matrix.reshape(-1)
    solver = highspy.Highs()
    solver.silent()
    solver.passModel(program)
    return solver


def loads(splits, demand):
    """Loads of links ``[B, 8]`` for splits ``[B, 24]`` and demands ``[B, 12]`` (torch)."""
    return (splits * demand[:, torch.as_tensor(OWNER)]) @ torch.as_tensor(USE.T)


def network(seed, hidden=8, inputs=12):
    """Clipped outputs ``[B, 12]``, the share of each pair's first way round; and its layers."""
    random = np.random.default_rng(seed)
    layers = (
        (random.normal(size=(hidden, inputs)) / np.sqrt(inputs), random.normal(size=hidden) * 0.1),
        (random.normal(size=(12, hidden)) / np.sqrt(hidden), np.full(12, 0.5)),
    )
    tensors = [(torch.as_tensor(weight), torch.as_tensor(bias)) for weight, bias in layers]

    def run(x):
        (w, b), (v, c) = tensors
        return torch.clamp(torch.relu(x @ w.T + b) @ v.T + c, 0.0, 1.0)

    return run, layers


def interleave(first):
    """Shares of the first way ``[B, 12]`` to splits of both ``[B, 24]``."""
    return torch.stack([first, 1.0 - first], dim=2).reshape(len(first), 24)


def ring_problem(seed=0, *, history=False, hidden=8):
    """The ring with a random network that sees the demand, or an older one (then the demand is free)."""
    run, _ = network(seed, hidden)
    solver = Solver()
    size = 24 if history else 12
    seen, routed = np.arange(12), np.arange(size - 12, size)

    def optimum(x):
        values, part = solver(x[:, routed])
        slopes = np.zeros_like(x)
        slopes[:, routed] = part
        return values, slopes

    def bound(x):
        value = float(optimum(x[None])[0][0])
        return Bound(value, value, "optimal")

    pipeline = Pipeline(
        [
            Carry(Autodiff(lambda x: interleave(run(x)), "network"), seen, routed),
            Autodiff(lambda x: loads(x[:, :24], x[:, 24:]), "links"),
        ]
    )
    blocks = (seen, routed) if history else (seen,)
    domain = Domain(np.zeros(size), np.ones(size), unit="Gb/s", blocks=blocks)
    return Problem(
        "ring",
        pipeline,
        domain,
        Envelope(optimum),
        bound,
        witness=ring_witness(size - 12),
        alternative=Alternative(12, Autodiff(lambda x: _second(x, size))),
        inner=ring_inner(run) if history else None,
    )


def _second(x, size):
    first = torch.sigmoid(x[:, size:])
    return loads(interleave(first), x[:, size - 12 : size]).max(dim=1).values[:, None]


def ring_witness(extra):
    """Flows on the 24 paths; ``extra`` inputs go past them unchanged."""

    def value(p):
        return (p[:, extra:] @ USE.T).max(axis=1)

    def pull(p, y, cotangent):
        out = np.zeros_like(p)
        out[:, extra:] = USE[(p[:, extra:] @ USE.T).argmax(axis=1)] * cotangent
        return out

    def inputs(p):
        return np.concatenate([p[:, :extra], p[:, extra:] @ SERVE.T], axis=1)

    def valid(p):
        p = np.clip(p, 0.0, 1.0)
        over = np.maximum(p[:, extra:] @ SERVE.T, 1.0)
        return np.concatenate([p[:, :extra], p[:, extra:] / over[:, OWNER]], axis=1)

    return Witness(
        Formula(inputs, lambda p, y, g: np.concatenate([g[:, :extra], g[:, extra:] @ SERVE], axis=1)),
        Formula(value, pull),
        valid,
        lambda x: np.concatenate([x[:, :extra], x[:, extra:][:, OWNER] / 2], axis=1),
        np.ones(extra + 24),
    )


def ring_inner(run):
    """The worst demand for the splits that the network gives, for one link: a linear program."""
    solver = _program(np.zeros(24), USE, 0, limit=1.0)

    def best(gain):
        solver.changeColsCost(24, np.arange(24, dtype=np.int32), -gain[OWNER])
        solver.run()
        demand = SERVE @ np.array(solver.getSolution().col_value)
        return demand / max(demand.max(), 1e-12)

    def maximise(x, link):
        with torch.no_grad():
            splits = interleave(run(torch.as_tensor(x[None, :12]))).numpy()[0]
        return np.concatenate([x[:12], best(SERVE @ (splits * USE[link]))])

    ideal = np.stack([best((SERVE * USE[link]).max(axis=1)) for link in range(8)])
    return Inner(np.arange(12), np.arange(12, 24), maximise, ideal)


def white_box(seed=0, hidden=8):
    """The ring with inputs on or off, as a solver reads it."""
    _, layers = network(seed, hidden)
    problem = ring_problem(seed, hidden=hidden)
    second = USE[:, 1::2]
    return WhiteBox(
        np.ones(12), layers, np.arange(12), second, USE[:, ::2] - second, SERVE, USE, 1.0 / 2, problem.ratio
    )


def brute_force(problem):
    """The best on-off input and its ratio, of all 4,095."""
    x = ((np.arange(1, 4096)[:, None] >> np.arange(12)) & 1).astype(float)
    ratio = problem.ratio(x)
    return x[ratio.argmax()], float(ratio.max())
