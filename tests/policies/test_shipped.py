"""The registry of shipped networks is what their files say; so are the model cards."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save as pack

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import (
    convnet,
    load,
    load_any,
    load_shipped,
    mlp,
    read_metadata,
    save,
    shipped,
    write_model_card,
)
from dnnexplain.policies._model_card import model_card
from dnnexplain.registry import specs
from tests.fakes import FakeChoice, FakeSystem, linear_network
from tests.policies.test_checkpoints import FIGURES, Sized, one_sentence


@pytest.fixture
def weights(tmp_path):
    for slots, role, name in [(5, "default", "mlp-5"), (10, "default", "mlp-10"), (5, "conv", "conv-5")]:
        system = Sized(slots)
        module = convnet(system) if role == "conv" else mlp(system)
        save(tmp_path / f"{name}.safetensors", module, {"role": role}, system=system)
    save(tmp_path / "other.safetensors", linear_network(FakeSystem()), {"role": "default"}, system=FakeSystem())
    return tmp_path


def test_the_registry_is_what_the_files_say(weights):
    found = shipped(Sized(5), weights)
    assert list(found) == ["default", "conv"]
    assert found["default"].name == "mlp-5.safetensors"
    assert load_shipped(Sized(10), directory=weights).name == "mlp-10"
    assert load_shipped(Sized(5), "conv", directory=weights).name == "conv-5"
    assert load_shipped(Sized(5), "conv-5", directory=weights).name == "conv-5"
    assert shipped(Sized(6), weights) == {}


def test_the_nearest_parameters_win(weights):
    system = Sized(5, colour="random")
    save(weights / "z-5.safetensors", mlp(system), {"role": "default"}, system=system)
    assert load_shipped(system, directory=weights).name == "z-5"
    assert load_shipped(Sized(5), directory=weights).name == "mlp-5"


def test_nothing_shipped_says_what_there_is_and_how_to_train(weights):
    message = (
        r"with slots=7 \(there are: slots=5; slots=10\); train one: dnnexplain train fake-gate --slots 7 --out mine"
    )
    one_sentence(message, load_shipped, Sized(7), directory=weights)
    one_sentence("Did you mean 'conv'", load_shipped, Sized(5), "con", directory=weights)
    one_sentence(
        "no network is shipped for fake-vehicle; train one", load_shipped, FakeSystem(), directory=weights / "x"
    )
    one_sentence(r"set slots to 5", load_shipped, Sized(7), "mlp-5", directory=weights)
    one_sentence("no network is shipped for fake-gate", load_any, "default", FakeChoice())


def test_only_headers_are_read(weights):
    path = weights / "mlp-5.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: 8 + int.from_bytes(data[:8], "little")])
    assert "default" in shipped(Sized(5), weights)


def test_foreign_metadata_is_empty(tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(pack({"w": torch.zeros(2)}, metadata={"format": "pt"}))
    assert read_metadata(path) == {}


def test_a_model_card_says_how_good_and_how_made(tmp_path):
    system = Sized(5)
    story = {
        "role": "default",
        "description": "The fair network.",
        "command": "dnnexplain train fake-gate --seed 3",
        "seed": 3,
        "figures": FIGURES,
        "limits": "Only for this gate.",
    }
    path = save(tmp_path / "mlp-5.safetensors", mlp(system), story, system=system)
    card = write_model_card(path)
    assert card == tmp_path / "mlp-5.md"
    text = card.read_text()
    for piece in (
        "# mlp-5\n\nThe fair network.",
        "fake-gate (slots=5, colour=binary)",
        "mlp (hidden=[20])",
        "| Command | `dnnexplain train fake-gate --seed 3` |",
        "| all jobs | 5.81 (5.5 to 6.13) |",
        "| starved | 0 |",
        "## Limits\n\nOnly for this gate.",
        load(path, system).checkpoint,
    ):
        assert piece in text


def test_a_card_speaks_of_invalid_actions_only_where_an_action_is_chosen():
    choice, values = {"output": "choice", "masked": False}, {"output": "values"}
    assert "| Invalid actions | kept, as it was trained |" in model_card(choice, "net")
    assert "| Invalid actions | left out before the softmax |" in model_card({}, "net")
    assert "Invalid actions" not in model_card(values, "net")


def test_every_shipped_card_says_what_its_file_says():
    files = sorted(path for spec in specs().values() if spec.weights for path in spec.weights.glob("*.safetensors"))
    assert files
    for path in files:
        assert path.with_suffix(".md").read_text() == model_card(read_metadata(path), path.stem), path.name


def test_networks_of_other_roles_are_named_where_the_default_does_not_fit():
    from dnnexplain.registry import spec_of
    from dnnexplain.systems import make_system

    world = make_system("routing", **spec_of("routing").board)  # it sees a history, and says what flows where
    with pytest.raises(
        DnnExplainError, match=r"with these sizes \(there are: dote-current, dote-history, learning-to-route, which"
    ):
        load_any("default", world)
