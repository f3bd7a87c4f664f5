import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr import recipes
from dnnexplain.systems.abr.own_links import begun_at, checks_of, divided, varied
from dnnexplain.systems.abr.trace_families import generate
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.training import Recipe, Trainer


@pytest.fixture(scope="module")
def some():
    return generate("markov-3g", 10, 3)


def test_a_fifth_of_the_links_is_held_out_and_none_is_lost(some):
    train, held = divided(some, 0)
    assert len(held) == 2
    assert sorted(map(id, [*train, *held])) == sorted(map(id, some))
    assert [id(one) for one in divided(some, 0)[1]] == [id(one) for one in held]
    assert {id(one) for one in divided(some, 1)[1]} != {id(one) for one in held}
    assert [len(part) for part in divided(some[:2], 0)] == [1, 1]
    with pytest.raises(DnnExplainError, match="at least 2 links"):
        divided(some[:1], 0)


def test_links_are_varied_by_one_factor_each(some):
    found = varied(some, 400, 0.3, 1)
    factors = np.array([one.mbps[1] / some[place % 10].mbps[1] for place, one in enumerate(found)])
    for place in (0, 7, 399):
        np.testing.assert_allclose(found[place].mbps, factors[place] * some[place % 10].mbps)
        np.testing.assert_array_equal(found[place].seconds, some[place % 10].seconds)
    assert np.log(factors).std() == pytest.approx(0.3, abs=0.04)
    assert [one.mbps.tolist() for one in varied(some, 3, 0.0, 1)] == [one.mbps.tolist() for one in some]


def test_a_link_begun_later_carries_the_same_in_another_order():
    link = Trace("four", np.array([0.0, 1.0, 3.0, 6.0, 10.0]), np.array([9.0, 1.0, 2.0, 3.0, 4.0]))
    later = begun_at(link, 0.5)
    np.testing.assert_array_equal(later.mbps[1:], [3.0, 4.0, 1.0, 2.0])
    np.testing.assert_array_equal(np.diff(later.seconds), [3.0, 4.0, 1.0, 2.0])
    assert later.mean == pytest.approx(link.mean)
    np.testing.assert_array_equal(begun_at(link, 0.0).mbps, link.mbps)
    assert [one.mbps[1] for one in checks_of([link, link], 5)] == [1.0, 3.0, 1.0, 3.0]
    assert len(checks_of([link] * 9, 5)) == 9


def test_a_training_mixes_given_links_with_generated_ones(some):
    trainer = Trainer(Recipe(pool=40, vary=0.2, generated=0.25, sessions=8), traces=some, checks=some[:2])
    assert len(trainer.traces) == 40
    assert [one.name for one in trainer.traces[:30]] == [some[place % 10].name for place in range(30)]
    assert len(trainer.checks) == 2
    told = trainer.recipe.to_dict()
    assert (told["vary"], told["generated"]) == (0.2, 0.25)
    assert not {"vary", "generated", "teacher"} & set(Recipe().to_dict())
    assert Trainer(Recipe(pool=40, sessions=8), traces=some, checks=some[:2]).traces == some


def test_a_dead_link_does_not_decide_which_weights_are_kept(some):
    dead = Trace("dead", np.array([0.0, 4000.0, 4001.0]), np.array([1.0, 0.001, 8.0]))
    recipe = Recipe(sessions=8, floor=-60.0)
    alone, both = (Trainer(recipe, traces=some, checks=checks)._check() for checks in (some, [*some, dead]))
    assert both == pytest.approx((alone * len(some) - 60.0) / (len(some) + 1))


def test_a_network_that_learned_before_goes_on_after_its_critic(some):
    weights = recipes._weights("default")
    recipe = Recipe(iterations=3, sessions=8, batch=64, epochs=1, warm=2, checks=8)
    trainer = Trainer(recipe, traces=some, checks=some[:2], begin=weights)
    critic = [part.detach().clone() for part in trainer.critic.parameters()]
    for _ in range(2):
        trainer._improve()
    assert all((now == weights[name]).all() for name, now in trainer.module.state_dict().items())
    assert all((now != before).any() for now, before in zip(trainer.critic.parameters(), critic, strict=True))
    trainer._improve()
    assert any((now != weights[name]).any() for name, now in trainer.module.state_dict().items())


def test_weights_to_begin_with_must_fit(some, tmp_path):
    (tmp_path / "no.safetensors").write_text("nothing")
    for name in ("nowhere", str(tmp_path / "no.safetensors"), str(tmp_path)):
        with pytest.raises(DnnExplainError, match="holds no weights to begin with"):
            recipes._weights(name)
    assert recipes._weights("") is None
    with pytest.raises(DnnExplainError, match="of another network"):
        Trainer(Recipe(sessions=8, units=8), traces=some, checks=some[:2], begin=recipes._weights("default"))
