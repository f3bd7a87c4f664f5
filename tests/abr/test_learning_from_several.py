"""Rules that are learned from several sources of links at once."""

import pytest

from dnnexplain.cli.distill import _sources
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.contract import DnnExplainError
from dnnexplain.registry import make_system, spec_of


def sources(workload, test=""):
    return _sources(
        make_system("abr"),
        SystemOptions(spec_of("abr")),
        [workload] if isinstance(workload, str) else workload,
        test,
        0,
    )


@pytest.fixture
def folder(tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    for place in range(8):
        lines = [f"{second} {1 + place / 10}" for second in range(60)]
        (links / f"mine-{place}").write_text("\n".join(lines))
    return links


def kinds(links):
    return {"mine" if link.name.startswith("mine") else link.name.rsplit("-", 1)[0] for link in links}


def test_families_and_folders_share_what_is_drawn(folder):
    draw, figures = sources(f"{folder},markov-3g,stable")
    drawn = draw(9, 1)
    assert len(drawn) == 9
    mine = [link.name for link in drawn if link.name.startswith("mine")]
    assert len(mine) == 3
    assert len(kinds(drawn)) == 3
    measured = {link.name for link in figures}
    assert len(measured) == 4
    for seed in range(5):  # what the figures are of is never learned from
        assert not measured & {link.name for link in draw(9, seed)}
    assert [link.name for link in draw(9, 1)] == [link.name for link in drawn]
    assert [link.name for link in draw(9, 2)] != [link.name for link in drawn]


def test_families_alone_need_no_folder_and_give_no_figures():
    draw, figures = sources("markov-3g,stable")
    assert figures is None
    assert len(draw(7, 3)) == 7
    assert len(kinds(draw(7, 3))) == 2


def test_what_is_neither_a_family_nor_a_folder_is_named():
    with pytest.raises(DnnExplainError, match="nope"):
        sources("markov-3g,nope")


def test_families_are_drawn_by_weight():
    draw, _ = sources(["stable=3", "bursty", "outage=0.5"])
    names = [link.name.rsplit("-", 1)[0] for link in draw(18, 2)]
    assert [names.count(name) for name in ("stable", "bursty", "outage")] == [12, 4, 2]
