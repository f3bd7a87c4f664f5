import numpy as np
import pytest
from scipy.optimize import linprog

from dnnexplain.assumptions import assumed, forget
from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.routing import RoutingSystem, best_oblivious_splits, hedged, worst_demand
from dnnexplain.systems.routing.rules import ecmp_splits
from dnnexplain.systems.routing.traffic import gravity
from dnnexplain.systems.routing.utilisation import mlu, normalise_splits


def loads(paths, splits):
    """What each pair's demand of 1 adds to each link's utilisation ``[E, P]``."""
    shares = paths.dense_incidence * splits
    return np.add.reduceat(shares, paths.first_path, axis=1) / paths.topology.capacity[:, None]


def worst_beside(paths, splits, rules):
    """The largest MLU over that of the better rule, over all demands, by another solver's interface and no duals."""
    own, ones = loads(paths, splits), np.ones(len(paths.topology.links))
    answers = [linprog(-row, A_ub=loads(paths, rule), b_ub=ones, method="highs") for rule in rules for row in own]
    return max(-answer.fun for answer in answers)


def least_beside(paths, rules, steps=40):
    """The least that any splits' worst ratio can be, bounded from below by matrices that are added where it is exceeded."""
    rows, splits = [], ecmp_splits(paths)
    for _ in range(steps):
        own = loads(paths, splits)
        for rule in rules:
            for row in own:
                answer = linprog(-row, A_ub=loads(paths, rule), b_ub=np.ones(len(own)), method="highs")
                rows.append(paths.dense_incidence * answer.x[paths.pair_of_path] / paths.topology.capacity[:, None])
        upper = np.vstack(rows)
        answer = linprog(
            np.r_[np.zeros(paths.count), 1.0],
            A_ub=np.c_[upper, -np.ones(len(upper))],
            b_ub=np.zeros(len(upper)),
            A_eq=np.c_[paths.pair_incidence.toarray(), np.zeros(len(paths.pairs))],
            b_eq=np.ones(len(paths.pairs)),
            method="highs",
        )
        splits = normalise_splits(paths, answer.x[:-1])
        if worst_beside(paths, splits, rules) <= answer.fun * (1 + 1e-6):
            break
    return answer.fun


@pytest.mark.parametrize("name", ["abilene", "abilene-12"])
def test_shipped_splits_keep_both_bounds_over_all_demands_and_are_good_on_usual_ones(name):
    system = RoutingSystem(name)
    paths, rules = system.paths, system.rules()
    splits, others = rules["hedged"].splits, [rules["ecmp"].splits, rules["oblivious"].splits]
    assert hedged.key_of(paths) in hedged._shipped()  # nothing is solved
    assert worst_demand(paths, splits).upper <= hedged.OPTIMUM * best_oblivious_splits(paths)[1] * (1 + 1e-4)
    least = hedged._solve(paths, [hedged._rule(paths, rule, 1.0) for rule in others])[1]
    assert least < worst_beside(paths, splits, others) <= hedged.RULES * least * (1 + 1e-4)
    demands = system.traffic("gravity", 300, 1)[:, -1]
    means = {key: mlu(paths, rule.splits, demands).mean() for key, rule in rules.items() if hasattr(rule, "splits")}
    assert min(means, key=means.get) == "hedged"


def test_on_a_ring_the_bounds_are_those_of_cutting_planes(ring):
    paths = ring.paths
    splits = hedged.solve_hedged(paths, ecmp_splits(paths))
    others = [ecmp_splits(paths), best_oblivious_splits(paths)[0]]
    least = least_beside(paths, others)
    assert hedged._solve(paths, [hedged._rule(paths, rule, 1.0) for rule in others])[1] == pytest.approx(
        least, rel=1e-6
    )
    bounds = hedged.OPTIMUM * best_oblivious_splits(paths)[1], hedged.RULES * least
    reached = worst_demand(paths, splits).upper, worst_beside(paths, splits, others)
    assert all(one <= bound * (1 + 1e-6) for one, bound in zip(reached, bounds, strict=True))


def test_no_splits_within_the_bounds_are_better_on_the_matrices_that_they_are_fitted_to(ring, monkeypatch):
    monkeypatch.setattr(hedged, "OPTIMUM", 1.3)  # tight enough to cost something on a ring
    paths = ring.paths
    splits = hedged.solve_hedged(paths, ecmp_splits(paths))
    oblivious, ratio = best_oblivious_splits(paths)
    others = [ecmp_splits(paths), oblivious]
    least = least_beside(paths, others)
    usual = gravity(paths, hedged.USUAL, 1, np.random.default_rng(hedged.SEED))[:, 0]
    own, rng, better = mlu(paths, splits, usual).mean(), np.random.default_rng(0), 0
    for _ in range(100):
        other = normalise_splits(paths, np.maximum(splits + 0.05 * rng.normal(size=paths.count), 0))
        if mlu(paths, other, usual).mean() < own * (1 - 1e-6):
            better += 1
            excess = worst_demand(paths, other).upper / (hedged.OPTIMUM * ratio)
            assert max(excess, worst_beside(paths, other, others) / (hedged.RULES * least)) > 1
    assert better  # the bounds cost something here


def test_bounds_that_cannot_both_be_kept_are_widened_by_the_least_factor(ring, monkeypatch):
    paths = ring.paths
    ratio = best_oblivious_splits(paths)[1]
    monkeypatch.setattr(hedged, "OPTIMUM", 0.5)  # half of what any splits can do
    splits = hedged.solve_hedged(paths, ecmp_splits(paths))
    assert worst_demand(paths, splits).upper == pytest.approx(ratio, rel=1e-4)


def test_wider_bounds_are_said_whenever_the_rule_is_used_and_kept_ones_are_not(ring, monkeypatch):
    monkeypatch.setattr(hedged, "_REMEMBERED", {})
    forget()
    hedged.hedged_splits(ring.paths, ecmp_splits(ring.paths))
    assert not assumed()
    monkeypatch.setattr(hedged, "_REMEMBERED", {})
    monkeypatch.setattr(hedged, "OPTIMUM", 0.5)
    for _ in range(2):
        forget()
        hedged.hedged_splits(ring.paths, ecmp_splits(ring.paths))
        assert [sentence for sentence in assumed() if "both are wider by a factor of 2" in sentence]
    forget()


@pytest.mark.slow
def test_what_ships_is_what_its_command_makes():
    """Solved anew, the splits cost the same on usual traffic; there may be several that are best."""
    paths = RoutingSystem("abilene").paths
    again = hedged.solve_hedged(paths, ecmp_splits(paths))
    usual = gravity(paths, hedged.USUAL, 1, np.random.default_rng(hedged.SEED))[:, 0]
    shipped = hedged.hedged_splits(paths, ecmp_splits(paths))
    assert mlu(paths, again, usual).mean() == pytest.approx(mlu(paths, shipped, usual).mean(), rel=1e-5)


def test_uniform_capacities_do_not_matter_and_other_paths_do():
    keys = [
        hedged.key_of(RoutingSystem("abilene", k, capacity=capacity).paths) for k, capacity in ((4, 1), (4, 7), (3, 7))
    ]
    assert keys[0] == keys[1] == hedged.key_of(RoutingSystem("abilene").paths)
    assert keys[2] not in hedged._shipped()


def test_a_large_topology_has_no_hedged_rule_and_says_why(capsys):
    system = RoutingSystem("sndlib/geant")
    assert set(system.lacking) == {"oblivious", "hedged"}
    assert not set(system.lacking) & set(system.rules())
    with pytest.raises(DnnExplainError, match="up to 60,000 are solved here"):
        hedged.hedged_splits(system.paths, ecmp_splits(system.paths))
    words = ["evaluate", "routing", "--topology", "sndlib/geant", "--sets", "2"]
    assert main([*words, "--policy", "ecmp"]) == 0
    assert "The rule 'hedged' is left out: the hedged splits of 'sndlib/geant' are a linear" in capsys.readouterr().out
    assert main([*words, "--policy", "hedged"]) == 2
    assert "there is no rule 'hedged' here: the hedged splits of" in capsys.readouterr().err
    assert not RoutingSystem("abilene").lacking
