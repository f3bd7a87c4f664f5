from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, State, state_from_values
from dnnexplain.explain.probing.threshold_maps import Census, Surface, ThresholdMap, census, surface, threshold_map
from dnnexplain.explain.probing.thresholds import curves
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems import make_system


@pytest.fixture(scope="module")
def system():
    return make_system("deeprm", slots=2)


def network(system, rows, bias, slot=0):
    """Neurons that weigh the rows of a slot's first CPU column."""
    rows = np.atleast_2d(rows)
    weights = np.zeros((len(rows), *system.observation_shape), dtype=np.float32)
    first = 10 + 10 * slot
    weights[:, :, first] = rows
    hidden, out = nn.Linear(weights[0].size, len(rows)), nn.Linear(len(rows), 3)
    with torch.no_grad():
        hidden.weight.copy_(torch.from_numpy(weights.reshape(len(rows), -1)))
        hidden.bias.copy_(torch.as_tensor(bias, dtype=torch.float32))
    return TorchPolicy(nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), out), system)


def band(low, high):
    """Weights of the 20 rows that make a neuron react to lengths from ``low`` to ``high``."""
    return [1.0 if low <= row < high else 0.0 for row in range(20)]


def test_thresholds_of_handmade_neurons_are_mapped_by_neuron_and_slot(system):
    policy = network(system, [band(0, 8), [-x for x in band(3, 7)], band(0, 0)], [-4.0, 2.0, -1.0])
    found = threshold_map(system, policy, "length", others="empty")
    assert found.knobs == ("job 1 length", "job 2 length")
    assert found.curves.values[0].tolist() == list(range(1, 16))
    np.testing.assert_array_equal(found.turns_on, [[5, np.nan], [np.nan, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(found.stops_changing, [[8, np.nan], [np.nan, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(found.starts_changing, [[np.nan] * 2, [4, np.nan], [np.nan] * 2])
    np.testing.assert_array_equal(found.turns_off, [[np.nan] * 2, [5, np.nan], [np.nan] * 2])
    assert found.shows.tolist() == [[True, False], [True, False], [False, False]]
    assert found.sentence().startswith("2 of 3 neurons show a threshold in the length of at least one of 2")
    assert ThresholdMap.from_json(found.to_json()) == found
    assert {(row["neuron"], row["knob"]) for row in found.table()} == {(0, "job 1 length"), (1, "job 1 length")}


def test_the_map_of_a_random_network_equals_its_curves(system):
    torch.manual_seed(0)
    cells = int(np.prod(system.observation_shape))
    policy = TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(cells, 12), nn.ReLU(), nn.Linear(12, 3)), system)
    found = threshold_map(system, policy, "cpu")
    for neuron in range(12):
        for column, knob in enumerate(found.knobs):
            steps = found.curves.curve(neuron, knob).thresholds
            for name, where in (("turns on", found.turns_on), ("stops changing", found.stops_changing)):
                first = next((step.after for step in steps if step.kind == name), np.nan)
                np.testing.assert_equal(where[neuron, column], first)


def test_a_census_counts_the_papers_pattern(system):
    policies = [
        network(system, [band(0, 8), [-x for x in band(3, 7)], band(0, 0)], [-4.0, 2.0, -1.0]),
        network(system, [band(0, 0), band(0, 20)], [1.0, 1.0]),
    ]
    found = census(system, policies, "length")
    one, two = found.networks
    assert (one.neurons, one.threshold, one.off_below, one.settles_above, one.both) == (3, 2, 1, 2, 1)
    assert (one.dead, one.flat, one.median_on, one.median_settles) == (1, 0, 5.0, 6.5)
    assert (two.threshold, two.dead, two.flat) == (0, 0, 1)
    assert "In 2 networks, 2 of 5 neurons show a threshold in length" in found.sentence()
    assert Census.from_json(found.to_json()) == found
    with pytest.raises(DnnExplainError, match="at least one network"):
        census(system, [], "length")


def test_a_surface_of_length_by_demand_equals_its_curves(system):
    torch.manual_seed(1)
    cells = int(np.prod(system.observation_shape))
    policy = TorchPolicy(nn.Sequential(nn.Flatten(), nn.Linear(cells, 4), nn.ReLU(), nn.Linear(4, 3)), system)
    state = state_from_values(system, {"job 1 length": 3, "job 1 cpu": 7, "job 1 memory": 1})
    found = surface(system, policy, 2, "job 1 length", "job 1 cpu", state=state)
    assert found.activation.shape == (16, 11)
    assert np.isnan(found.activation[0]).all()
    lengths = curves(system, policy, ["job 1 length"], state=state)
    np.testing.assert_allclose(found.activation[1:, 7], lengths.activation[0][2])
    at = np.unravel_index(np.nanargmax(found.activation), found.activation.shape)
    assert f"job 1 length {at[0]} steps and job 1 cpu {at[1]} units" in found.sentence()
    again = Surface.from_json(found.to_json())
    assert again == found


def test_a_surface_over_two_absent_jobs_gives_them_demands(system):
    policy = network(system, band(0, 20), [0.0])
    found = surface(system, policy, 0, "job 1 length", "job 2 length")
    assert found.held == {f"job {k} {kind}": 5.0 for k in (1, 2) for kind in ("cpu", "memory")}
    assert found.note.startswith("Job 1 and job 2 were given")
    np.testing.assert_array_equal(found.activation[1:, 1:], np.repeat(np.arange(1.0, 16.0)[:, None], 15, axis=1))
    with pytest.raises(DnnExplainError, match="two different knobs"):
        surface(system, policy, 0, "job 1 length", "job 1 length")


def test_values_that_no_valid_state_has_are_left_out(system):
    policy = network(system, band(0, 20), [0.0])
    state = State(state_from_values(system, {"job 1 length": 4, "job 1 cpu": 2}).values)
    found = curves(system, policy, ["job 1 length", "job 1 cpu", "job 1 memory"], state=state)
    assert [len(grid) for grid in found.values] == [15, 10, 11]
    assert found.activation[0][0].tolist() == list(range(1, 16))
