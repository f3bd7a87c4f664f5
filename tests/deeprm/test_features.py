"""Domain features against a slow reading of one state at a time."""

from dnnexplain.systems import make_system


def test_features_match_a_slow_twin():
    system = make_system("deeprm", slots=4)
    observations, _ = system.visit(system.rules()["packer"], system.workloads("deeprm", 4, 1, rate=0.8, steps=20))
    observations = observations[::5]
    features = dict(zip(system.features.names, system.features(observations).T, strict=True))
    valid = system.valid_actions(observations)
    sjf = system.rules()["sjf"].outputs(observations).argmax(axis=1)
    for row, values in enumerate(system.decode(observations)):
        jobs, free = system.codec.jobs(values[None])[0], system.codec.free(values[None])[0]
        placeable = [slot for slot in range(4) if valid[row, slot]]
        now = [s for s in placeable if all((free[:, t] >= jobs[s, 1:]).all() for t in range(jobs[s, 0]))]
        told = {name: column[row] for name, column in features.items()}
        assert told["jobs that are placeable"] == len(placeable)
        assert told["jobs that fit now"] == len(now)
        assert told["slot of shortest job that fits now"] == (sjf[row] + 1 if sjf[row] < 4 else 0)
        ranked = sorted(placeable, key=lambda slot: (jobs[slot, 0], slot))
        for slot in range(4):
            assert told[f"job {slot + 1} fits now"] == (slot in now)
            assert told[f"job {slot + 1} rank by length"] == (ranked.index(slot) + 1 if slot in ranked else 0)
            assert told[f"job {slot + 1} dominant demand"] == jobs[slot, 1:].max()
        if len(ranked) > 1:
            gap = jobs[ranked[1], 0] - jobs[ranked[0], 0]
            assert told["second shortest minus shortest placeable length"] == gap
        assert told["free memory now"] == free[1, 0]


def test_every_feature_has_a_name_and_a_unit():
    features = make_system("deeprm", slots=2).features
    assert len(set(features.names)) == len(features.names)
    assert set(features.units) == set(features.names)
