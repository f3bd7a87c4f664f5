"""Every system has a page in the docs, made from its spec."""

import pytest

from dnnexplain.app.system_page import system_page, write_system_pages
from dnnexplain.registry import BUILT_IN, spec_of, specs


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_page_tells_all_that_the_spec_declares(name):
    spec, page = spec_of(name), system_page(spec_of(name))
    assert page.startswith(f"# {spec.title}\n")
    for piece in (spec.sentence, spec.cost.title, *spec.caveats, *spec.sources):
        assert piece in page
    for named in (*spec.roles, *spec.families, *spec.recipes):
        assert f"| `{named.name}` |" in page
    for parameter in spec.parameters:
        assert f"| `--{parameter.name.replace('_', '-')}` |" in page
    widths = {}
    for line in page.splitlines():
        if line.startswith("|"):
            widths.setdefault(line.replace("\\|", "").count("|"), line)
    assert set(widths) <= {3, 4}, "tables whose rows have other numbers of cells than their heads"


def test_pages_are_written_one_for_each_system(tmp_path):
    write_system_pages(tmp_path / "systems", specs().values())
    assert {path.stem for path in (tmp_path / "systems").iterdir()} >= set(BUILT_IN)
