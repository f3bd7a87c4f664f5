import contextlib
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.checksum_kernels import crc32c
from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.published import known_network
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.trace_files import read_traces
from dnnexplain.systems.abr.training import evaluate
from dnnexplain.tensorflow_files import read_checkpoint

BRANCH_CELLS = (1, 1, 8, 8, 6, 1)


# --- a TensorFlow V2 checkpoint, written from the format's description -------------------------


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def masked(data):
    value = int(crc32c(np.frombuffer(data, dtype=np.uint8)))
    return struct.pack("<I", (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def block(pairs):
    out, before = b"", b""
    for key, value in pairs:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(len(key), len(before))
        )
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return out + struct.pack("<II", 0, 1)


def write_checkpoint(folder, tensors, name="net.ckpt"):
    data, entries = b"", [(b"", b"\x08\x01")]
    for key in sorted(tensors):
        text = isinstance(tensors[key], bytes)
        raw, sizes = (tensors[key], ()) if text else (tensors[key].tobytes(), tensors[key].shape)
        shape = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in sizes))
        entry = (
            (b"\x08\x07\x12" if text else b"\x08\x01\x12")
            + varint(len(shape))
            + shape
            + b"\x20"
            + varint(len(data))
            + b"\x28"
            + varint(len(raw))
        )
        entries.append((key.encode(), entry + b"\x35" + masked(raw)))
        data += raw
    table, handles = b"", []
    for part in (entries[:3], entries[3:]):
        if part:
            content = block(part)
            handles.append((part[-1][0] + b"~", varint(len(table)) + varint(len(content))))
            table += content + b"\x00" + masked(content + b"\x00")
    index = block(handles)
    place = len(table)
    table += index + b"\x00" + masked(index + b"\x00")
    footer = (varint(0) + varint(0) + varint(place) + varint(len(index))).ljust(40, b"\x00")
    (folder / f"{name}.index").write_bytes(table + footer + struct.pack("<Q", 0xDB4775248B80FB57))
    (folder / f"{name}.data-00000-of-00001").write_bytes(data)
    return folder / name


def pensieve_tensors(rng, units=5):
    def drawn(*shape):
        return rng.normal(size=shape).astype(np.float32)

    tensors = {f"actor/FullyConnected{end}/W": drawn(1, units) for end in ("", "_1", "_2")}
    tensors |= {f"actor/Conv1D{end}/W": drawn(4, 1, cells, units) for end, cells in (("", 8), ("_1", 8), ("_2", 6))}
    tensors |= {"actor/FullyConnected_3/W": drawn(6 * units, units), "actor/FullyConnected_4/W": drawn(units, 6)}
    return tensors | {name[:-1] + "b": drawn(weight.shape[-1]) for name, weight in tensors.items()}


def forward(tensors, states, row):
    """The published graph in numpy: convolutions with padding "same" over the one position that they see."""

    def relu(x):
        return np.maximum(x, 0)

    def dense(x, name):
        return x @ tensors[f"actor/{name}/W"].astype(np.float64) + tensors[f"actor/{name}/b"]

    def convolution(x, name):  # x [B, cells] is a sequence of length 1 with as many channels
        kernel = tensors[f"actor/{name}/W"].astype(np.float64)[:, 0]
        padded = np.stack([np.zeros_like(x), x, np.zeros_like(x), np.zeros_like(x)], axis=1)  # 1 before, 2 behind
        return np.einsum("btc,tcu->bu", padded, kernel) + tensors[f"actor/{name}/b"]

    parts = [
        dense(states[:, 0, -1:], "FullyConnected"), dense(states[:, 1, -1:], "FullyConnected_1"),
        convolution(states[:, 2], "Conv1D"), convolution(states[:, 3], "Conv1D_1"),
        convolution(states[:, 4, :6], "Conv1D_2"), dense(states[:, row, -1:], "FullyConnected_2"),
    ]  # fmt: skip
    return dense(
        relu(dense(np.concatenate([relu(part) for part in parts], axis=1), "FullyConnected_3")), "FullyConnected_4"
    )


def outputs(module, states):
    with torch.no_grad():
        return module(torch.from_numpy(states.astype(np.float32))).numpy()


@pytest.fixture
def written(tmp_path):
    tensors = pensieve_tensors(np.random.default_rng(0))
    return write_checkpoint(tmp_path, tensors), tensors


def test_checkpoints_come_back_tensor_by_tensor(written):
    path, tensors = written
    for given_path in (path, path.with_name(f"{path.name}.index"), path.with_name(f"{path.name}.data-00000-of-00001")):
        found = read_checkpoint(given_path)
        assert set(found) == set(tensors)
        assert all(np.array_equal(found[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("row", [4, 5])
def test_a_checkpoint_becomes_the_published_graph(written, row):
    path, tensors = written
    states = np.random.default_rng(1).normal(size=(200, 6, 8))
    module, note = known_network(path, None, 8, row)
    assert np.allclose(outputs(module, states), forward(tensors, states, row), atol=1e-5)
    assert f"row {row}" in note
    assert known_network(path, None, 8, None)[1].count("row 4")


@pytest.mark.parametrize("shape", ["ppo", "nn4sys"])
def test_torch_layouts_become_the_same_graph(shape):
    rng, units = np.random.default_rng(2), 7
    sizes = [*[(units, cells) for cells in BRANCH_CELLS], (units, 6 * units), (6, units)]
    names = ["fc1_actor", "fc2_actor", "conv1_actor", "conv2_actor", "conv3_actor", "fc3_actor", "fc4_actor", "pi_head"]
    if shape == "nn4sys":
        names = [f"linear{i}" for i in range(8)]
    layers = [(rng.normal(size=size), rng.normal(size=size[0])) for size in sizes]
    prefix = "0." if shape == "ppo" else ""
    weights = {f"{prefix}{name}.weight": torch.tensor(w) for name, (w, _) in zip(names, layers, strict=True)}
    weights |= {f"{prefix}{name}.bias": torch.tensor(b) for name, (_, b) in zip(names, layers, strict=True)}
    module, _ = known_network(None, weights, 8, None)
    states = rng.normal(size=(100, 6, 8))
    seen = [states[:, 0, -1:], states[:, 1, -1:], states[:, 2], states[:, 3], states[:, 4, :6], states[:, 5, -1:]]
    hidden = [x @ w.T + b for x, (w, b) in zip(seen, layers, strict=False)]
    cut = len(hidden) if shape == "ppo" else 5  # NN4Sys' last branch has no activation
    merged = np.concatenate([np.maximum(h, 0) if i < cut else h for i, h in enumerate(hidden)], axis=1)
    wanted = np.maximum(merged @ layers[6][0].T + layers[6][1], 0) @ layers[7][0].T + layers[7][1]
    assert np.allclose(outputs(module, states), wanted, atol=1e-4)


def test_other_weights_are_not_known():
    assert known_network(None, {"layer.weight": torch.zeros(3, 3)}, 8, None) is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_checkpoint_is_one_sentence_or_unharmed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damage")
    tensors = pensieve_tensors(np.random.default_rng(0), 2)
    path = write_checkpoint(folder, tensors)
    file = path.with_name(path.name + data.draw(st.sampled_from([".index", ".data-00000-of-00001"])))
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(bytes(content))
    found = {}
    with contextlib.suppress(DnnExplainError):  # and no other error
        found = read_checkpoint(path)
    if found:  # a bit that nothing depends on, such as the footer's padding
        assert all(np.array_equal(found[name], tensors[name]) for name in tensors)


def test_a_checkpoint_of_something_else_and_a_missing_half(tmp_path):
    path = write_checkpoint(tmp_path, {"dense/kernel": np.zeros((2, 2), dtype=np.float32)})
    with pytest.raises(DnnExplainError, match=r"not Pensieve's.*dense/kernel"):
        known_network(path, None, 8, None)
    path.with_name("net.ckpt.data-00000-of-00001").unlink()
    with pytest.raises(DnnExplainError, match="is missing"):
        read_checkpoint(path)


def test_crc32c_is_the_standards():
    assert crc32c(np.frombuffer(b"123456789", dtype=np.uint8)) == 0xE3069283  # RFC 3720, B.4 and elsewhere
    assert crc32c(np.zeros(32, dtype=np.uint8)) == 0x8A9136AA


@pytest.mark.parametrize(("file", "total"), [("pensieve-original.ckpt", 44.34), ("pensieve-ppo-155400.pth", 45.69)])
def test_published_networks_have_their_totals(data, file, total):
    path = data / "models" / file
    weights = None
    if path.suffix == ".pth":
        lists = torch.load(path, weights_only=True, map_location="cpu")
        weights = {f"{i}.{name}": item for i, part in enumerate(lists) for name, item in part.items()}
    module, _ = known_network(path, weights, 8, None)
    traces, _ = read_traces(data / "traces")
    assert evaluate(module, Simulator(traces)).mean() == pytest.approx(total, abs=0.05)


def test_the_published_checkpoint_is_the_published_graph(data):
    path = data / "models" / "pensieve-original.ckpt"
    states = np.random.default_rng(0).uniform(0, 1.2, (500, 6, 8))
    module, _ = known_network(path, None, 8, None)
    told = outputs(module, states)
    wanted = forward(read_checkpoint(path), states, 4)
    likely, expected = (np.exp(x - x.max(axis=1, keepdims=True)) for x in (told, wanted))
    likely, expected = likely / likely.sum(axis=1, keepdims=True), expected / expected.sum(axis=1, keepdims=True)
    assert np.abs(likely - expected).max() < 1e-5


def test_the_torch_and_the_onnx_network_of_the_verifiers_benchmark_agree(data):
    from dnnexplain.policies import read_onnx

    weights = torch.load(data / "models" / "nn4sys-pensieve-small.pth", weights_only=True, map_location="cpu")
    module, note = known_network(None, weights, 8, None)
    states = np.random.default_rng(0).uniform(0, 1.2, (200, 6, 8))
    other = read_onnx(data / "models" / "nn4sys-pensieve-small.onnx")
    assert np.allclose(outputs(module, states), outputs(other, states), rtol=1e-4, atol=1e-3)
    assert "no ReLU" in note


def test_the_shipped_network_beats_robust_mpc_on_links_that_it_never_saw():
    from dnnexplain.intervals import mean_interval
    from dnnexplain.policies import named_policy
    from dnnexplain.systems import make_system

    system = make_system("abr")
    made = system.workloads("markov-3g", 150, 20_001)
    network = system.run(named_policy(system, "default"), made).metrics["qoe"]
    rule = system.run(system.rules()["robust-mpc"], made).metrics["qoe"]
    assert mean_interval(network - rule).low > 0


def test_the_shipped_network_on_the_published_test_links(data):
    from dnnexplain.policies import named_policy
    from dnnexplain.systems import make_system

    system = make_system("abr")
    traces, _ = system.read_workloads(data / "traces")
    network = system.run(named_policy(system, "default"), traces).metrics["qoe"]
    assert network.mean() == pytest.approx(46.32, abs=0.05)
    rule = system.run(system.rules()["robust-mpc"], traces).metrics["qoe"]
    assert network.mean() > rule.mean() + 3


def test_training_resumes_to_the_same_weights_and_learns(tmp_path):
    from dnnexplain.systems.abr.training import Recipe, Trainer

    recipe = Recipe(iterations=4, sessions=32, pool=8, checks=4, units=8, batch=512, epochs=2, check_every=2)
    whole = Trainer(recipe, 5).run()
    cut = Trainer(recipe, 5)
    for _ in range(2):
        cut._improve()
    cut._check()
    cut.save(tmp_path / "half.pt")
    resumed = Trainer(recipe, 5)
    again = resumed.run(save=tmp_path / "half.pt")
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
    first = whole.get_submodule("hidden_1").weight
    from dnnexplain.systems.abr.wiring import wired

    assert (first[~torch.from_numpy(wired(8, 6, 8))] == 0).all()  # cells that no branch reads stay unread
    with pytest.raises(DnnExplainError, match="another recipe or seed"):
        Trainer(recipe, 6).run(save=tmp_path / "half.pt")
    assert [entry["iteration"] for entry in resumed.curve] == [4]


def test_the_critic_s_outlook_is_what_the_link_will_carry(links):
    from dnnexplain.systems.abr.outlook import OUTLOOK, Outlook

    simulator = Simulator(links)
    for _ in range(7):
        simulator.step(np.full(len(links), 2))
    told = np.expm1(Outlook(links).of(simulator.arrays))
    a = simulator.arrays
    for row, link in enumerate(links):
        pointer, clock, carried, ahead = int(a.pointer[row]), float(a.clock[row]), 0.0, 0.0
        for seconds, value in zip(OUTLOOK, told[row], strict=True):
            while ahead < seconds:
                span = min(float(link.seconds[pointer]) - clock, seconds - ahead)
                carried += span * link.mbps[pointer]
                ahead, clock = ahead + span, clock + span
                if clock >= link.seconds[pointer] - 1e-12:
                    pointer, clock = (
                        (1, 0.0) if pointer + 1 == len(link.seconds) else (pointer + 1, float(link.seconds[pointer]))
                    )
            # The outlook is kept at whole seconds, so that a sample shorter than one is smeared over it.
            assert value == pytest.approx(carried / seconds, abs=6.0 / seconds + 1e-6), (link.name, seconds)
