"""Knobs to picture and back, states in JSON, groups, valid actions and rules read off the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError, EpisodeSystem, Pictured, State, state_from_observation
from dnnexplain.systems.deeprm import DeepRM, Params
from dnnexplain.systems.deeprm.simulator.arrays import as_input
from dnnexplain.systems.deeprm.simulator.batch import Simulator
from tests.deeprm.twin import SlowDeepRM

SYSTEMS = [
    DeepRM(),
    DeepRM(slots=3),
    DeepRM(Params(slots=2, horizon=6, units=4, max_job_units=3, max_job_length=4, backlog=7, tracking=3)),
]


def random_values(system: DeepRM, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    low, high = (np.array([getattr(knob, name) for knob in system.knobs]) for name in ("low", "high"))
    return system.repair(rng.integers(low, high + 1)[None].astype(float))


def seen_in_episode(system: DeepRM, seed: int) -> tuple[Simulator, np.ndarray]:
    simulator = system.environment(system.workloads("deeprm", 1, seed, rate=0.8))
    rng = np.random.default_rng(seed)
    for _ in range(int(rng.integers(5, 90))):
        simulator.step(rng.integers(0, system.params.slots + 1, 1))
    return simulator, as_input(simulator.observe())


@pytest.mark.parametrize("system", SYSTEMS, ids=["5 slots", "3 slots", "tiny"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_decode_reads_back_what_encode_painted(system: DeepRM, seed: int) -> None:
    values = random_values(system, seed)
    assert np.array_equal(system.decode(system.encode(values)), values)
    background = system.encode(random_values(system, seed + 1))[0]
    assert np.array_equal(system.decode(system.encode(values, background)), values)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_state_from_an_episode_gives_back_its_picture_to_the_bit(seed: int) -> None:
    system = SYSTEMS[0]
    _, pictures = seen_in_episode(system, seed)
    state = state_from_observation(system, pictures[0])
    assert np.array_equal(system.encode(state.values[None], state.background)[0], pictures[0])
    again = system.state_from_json(system.state_to_json(state))
    assert np.array_equal(system.encode(again.values[None], again.background)[0], pictures[0])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_picture_alone_gives_the_valid_actions_and_the_rules_of_the_simulator(seed: int) -> None:
    system = SYSTEMS[0]
    simulator, pictures = seen_in_episode(system, seed)
    assert np.array_equal(system.valid_actions(pictures), simulator.valid())
    for name in ("sjf", "packer", "tetris"):
        assert system.rules()[name].outputs(pictures).argmax(axis=1) == simulator.rule_actions(name)


def test_bytes_become_the_numbers_that_encode_paints() -> None:
    assert np.array_equal(as_input(np.arange(41, dtype=np.uint8)), (np.arange(41) / 40).astype(np.float32))


def test_every_cell_is_in_one_group_and_a_knob_moves_only_its_own() -> None:
    system = SYSTEMS[0]
    assert set(np.unique(system.cell_group)) == set(range(len(system.groups)))
    low = system.encode(np.zeros((1, len(system.knobs))))[0]
    for index, knob in enumerate(system.knobs):
        if knob.group.startswith("job"):
            continue
        values = np.zeros((1, len(system.knobs)))
        values[0, index] = knob.high
        changed = np.unique(system.cell_group[system.encode(values)[0] != low])
        assert [system.groups[group] for group in changed] == [knob.group]


def test_a_job_paints_its_rectangles_into_its_own_groups() -> None:
    system = SYSTEMS[0]
    picture = system.encode(system.state_from_json({"slots": [{"length": 3, "cpu": 7, "memory": 1}]}).values[None])[0]
    painted = {name: int(picture[system.cell_group == index].sum()) for index, name in enumerate(system.groups)}
    assert {name: cells for name, cells in painted.items() if cells} == {"job 1 cpu": 21, "job 1 memory": 3}


def test_running_jobs_fill_the_first_free_cells_in_order() -> None:
    running = [{"remaining": 4, "cpu": 2, "memory": 5}, {"remaining": 1, "cpu": 3, "memory": 1}]
    state = SYSTEMS[0].state_from_json({"running": running})
    use = {knob.name: value for knob, value in zip(SYSTEMS[0].knobs, state.values, strict=True)}
    assert [use[f"cpu in use at step {row}"] for row in range(5)] == [5, 2, 2, 2, 0]
    assert [use[f"memory in use at step {row}"] for row in range(5)] == [6, 5, 5, 5, 0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "a state is an object"),
        ({"slot": []}, "no field 'slot'"),
        ({"slots": [{"length": 3, "cpu": 7}]}, "slot 1 misses 'memory'"),
        ({"slots": [{"length": 16, "cpu": 7, "memory": 1}]}, "length of slot 1 must be a whole number from 0 to 15"),
        ({"slots": [{"length": 3, "cpu": 0, "memory": 0}]}, "an empty slot has 0 in all three"),
        ({"slots": [{"length": 1, "cpu": 1, "memory": 1}] * 6}, "at most 5 jobs"),
        ({"backlog": 61}, "backlog must be a whole number from 0 to 60"),
        ({"since_last_arrival": float("nan")}, "since_last_arrival must be"),
        (
            {"running": [{"remaining": 2, "cpu": 9, "memory": 1}, {"remaining": 2, "cpu": 2, "memory": 1}]},
            "leave 1 of 10",
        ),
        ({"cluster": {"cpu": ["#"]}}, "20 strings of 10 characters"),
    ],
)
def test_wrong_states_are_explained(data: object, said: str) -> None:
    with pytest.raises(DnnExplainError, match=said):
        SYSTEMS[0].state_from_json(data)  # type: ignore[arg-type]


def test_repair_makes_any_numbers_valid() -> None:
    system = SYSTEMS[0]
    wild = np.random.default_rng(0).normal(0, 30, (20, len(system.knobs)))
    fixed = system.repair(wild)
    assert np.array_equal(system.decode(system.encode(fixed)), fixed)
    with pytest.raises(DnnExplainError, match="job 1 length must be a number"):
        system.repair(np.full((1, len(system.knobs)), np.nan))


def test_it_is_a_system_with_episodes_and_a_picture() -> None:
    assert isinstance(SYSTEMS[0], EpisodeSystem)
    assert isinstance(SYSTEMS[0], Pictured)
    assert SYSTEMS[0].observation_shape == (20, 124)
    assert DeepRM(slots=10).observation_shape == (20, 224)


def test_baselines_are_named_pictures() -> None:
    system = SYSTEMS[0]
    state = system.state_from_json(
        {"slots": [{"length": 3, "cpu": 7, "memory": 1}], "running": [{"remaining": 2, "cpu": 1, "memory": 1}]}
    )
    named = system.baselines(state)
    assert list(named) == ["empty", "without job 1", "without running jobs", "mean state", "reachable states"]
    assert named["reachable states"].shape == (64, 20, 124)
    gone = system.decode(named["without job 1"])[0]
    assert gone[:3].tolist() == [0, 0, 0]
    assert np.array_equal(gone[3:], state.values[3:])
    twin = SlowDeepRM(system.params, system.workloads("deeprm", 1, 0)[0])
    assert named["empty"][0].sum() == twin.picture().sum() == 0


def test_a_state_is_described_in_a_sentence() -> None:
    state = SYSTEMS[0].state_from_json({"slots": [{"length": 3, "cpu": 7, "memory": 1}], "backlog": 2})
    assert SYSTEMS[0].describe(state) == (
        "Job 1 (3 steps, 7 CPU, 1 memory) waits; the cluster uses 0 of 10 CPU and 0 of 10 memory; 2 more in the backlog."
    )
    assert isinstance(state, State)


def test_pictures_that_no_state_paints_are_read_by_counting() -> None:
    """Cells strewn anywhere, against the counts of their planes written out."""
    system = DeepRM(slots=2)
    rng = np.random.default_rng(3)
    for kind in (np.float32, np.float64):
        pictures = ((rng.random((7, *system.observation_shape)) < 0.03) * 0.5).astype(kind)
        layout, filled = system.codec.layout, pictures > 0
        read = system.decode(pictures)
        for slot in range(2):
            cpu, memory = (filled[:, :, layout.slot_columns(resource, slot)] for resource in range(2))
            assert (read[:, 3 * slot] == (cpu.any(axis=2) | memory.any(axis=2)).sum(axis=1)).all()
            assert (read[:, 3 * slot + 1] == cpu.any(axis=1).sum(axis=1)).all()
            assert (read[:, 3 * slot + 2] == memory.any(axis=1).sum(axis=1)).all()
        use = np.concatenate(
            [filled[:, :, layout.cluster_columns(resource)].sum(axis=2) for resource in range(2)], axis=1
        )
        assert (read[:, layout.use_first : layout.backlog_knob] == use).all()
        waiting = filled[:, :, layout.backlog_column : layout.extra_column].sum(axis=(1, 2))
        assert (read[:, layout.backlog_knob] == waiting).all()
