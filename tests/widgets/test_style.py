"""The style sheets: a class of one name is one thing."""

import re
from collections import defaultdict
from pathlib import Path

import dnnexplain_widgets

SHEETS = sorted((Path(dnnexplain_widgets.__file__).parent / "web").glob("*.css"))


def plain_rules(text):
    """Selectors outside of media and container rules, without comments."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"@\w+[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", text)
    return re.findall(r"([^{}]+)\{", text)


def test_no_two_style_sheets_give_a_class_its_looks():
    """A strip of thresholds was fixed to the window's edge, as the strip with the decision is: both were `.dx-strip`."""
    homes = defaultdict(set)
    for sheet in SHEETS:
        for selectors in plain_rules(sheet.read_text(encoding="utf-8")):
            for one in re.sub(r"\([^()]*\)", "", selectors).split(","):
                if re.fullmatch(r"\.[\w-]+", one.strip()):
                    homes[one.strip()].add(sheet.name)
    assert len(homes) > 100
    assert {name: sheets for name, sheets in homes.items() if len(sheets) > 1} == {}
