"""Every markdown file of the project, as GitHub renders it: headings, tables, fences, pictures, links and their anchors."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
TRACKED = set(
    subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
)
FILES = sorted(name for name in TRACKED if name.endswith(".md"))
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TAGS = re.compile(r"</?(a|strong|em|img|br|sub|sup|details|summary|picture|source)\b[^>]*>|<!--.*", re.DOTALL)


def headings(tokens):
    """Level, line and anchor (as GitHub makes it of the words) of each heading."""
    found, seen = [], {}
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open":
            words = "".join(part.content for part in inline.children if part.type in {"text", "code_inline"})
            anchor = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
            times = seen[anchor] = seen.get(anchor, -1) + 1
            found.append((int(token.tag[1]), token.map[0] + 1, f"{anchor}-{times}" if times else anchor))
    return found


def targets(tokens):
    """Line and address of each link and picture that stays within the project."""
    for token in tokens:
        for part in token.children or ():
            address = part.attrs.get("href") or part.attrs.get("src")
            if address and not re.match(r"[a-z]+:", address):
                yield token.map[0] + 1, address


def lost(name, line, address, tracked, anchors):
    """Why a link leads nowhere; empty if it leads somewhere."""
    path, _, anchor = address.partition("#")
    goal = (ROOT / name).parent.joinpath(path).resolve().relative_to(ROOT).as_posix() if path else name
    if goal not in tracked and not any(file.startswith(f"{goal}/") for file in tracked):
        return f"{name}:{line}: {address} leads to no file of the project"
    if anchor and goal.endswith(".md") and anchor not in anchors(goal):
        return f"{name}:{line}: {address}: {goal} has no such heading"
    return ""


def shape(name, text, tokens):
    """What would be drawn otherwise than it was meant."""
    lines, levels = text.splitlines(), headings(tokens)
    if sum(level == 1 for level, _, _ in levels) > 1:
        yield f"{name}: several first-level headings"
    for (above, _, _), (level, line, _) in itertools.pairwise(levels):
        if level > above + 1:
            yield f"{name}:{line}: a heading of level {level} below one of level {above}"
    for place, token in enumerate(tokens):
        if token.type == "fence" and not lines[token.map[1] - 1].strip().startswith(token.markup):
            yield f"{name}:{token.map[0] + 1}: a block of code that is not closed"
        if token.type == "inline" and tokens[place - 1].type == "paragraph_open" and token.content.startswith("|"):
            yield f"{name}:{token.map[0] + 1}: a table that is not read as one"
        if token.type == "table_open":
            rows = range(*token.map)
            cells = [len(re.findall(r"(?<!\\)\|", lines[row].strip().strip("|"))) + 1 for row in rows]
            yield from (
                f"{name}:{row + 1}: {count} cells in a table of {cells[0]}"
                for row, count in zip(rows, cells, strict=True)
                if count != cells[0]
            )
        for part in [token] if token.type == "html_block" else token.children or ():
            if part.type.startswith("html") and not TAGS.match(part.content.strip()):
                yield f"{name}:{token.map[0] + 1}: {part.content.strip()[:40]} is taken for HTML and not shown"


def anchors_of(name):
    return {anchor for _, _, anchor in headings(READER.parse((ROOT / name).read_text()))}


@pytest.mark.parametrize("name", FILES)
def test_a_page_is_drawn_as_it_was_meant(name):
    text = (ROOT / name).read_text()
    assert list(shape(name, text, READER.parse(text))) == []


@pytest.mark.parametrize("name", FILES)
def test_links_pictures_and_anchors_lead_somewhere(name):
    tokens = READER.parse((ROOT / name).read_text())
    found = [lost(name, line, address, TRACKED, anchors_of) for line, address in targets(tokens)]
    assert [reason for reason in found if reason] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A\n\n# B\n", "several"),
        ("# A\n\n### B\n", "level 3 below"),
        ("```\ncode\n", "not closed"),
        ("|a|b|\n|-|\n|1|2|\n", "not read as one"),
        ("|a|b|\n|-|-|\n|1|2|3|\n", "3 cells in a table of 2"),
        ("give a <path> here\n", "not shown"),
    ],
)
def test_what_is_drawn_otherwise_would_be_noticed(text, said):
    assert any(said in reason for reason in shape("page.md", text, READER.parse(text)))


def test_a_link_to_nowhere_would_be_noticed():
    tokens = READER.parse("[a](gone.md) [b](#no) [c](README.md#yes) ![d](docs/none.png) [e](docs/)\n")
    found = [
        lost("page.md", line, address, {"README.md", "page.md", "docs/index.md"}, lambda _name: {"yes"})
        for line, address in targets(tokens)
    ]
    assert [bool(reason) for reason in found] == [True, True, False, True, False]
