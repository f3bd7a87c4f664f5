"""The site: pages in this folder, the lessons from notebooks/, the reference from docstrings, commands from their help."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import dnnexplain

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

project = "dnnexplain"
author = "The dnnexplain developers"
project_copyright = author
release = version = dnnexplain.__version__
html_title = "dnnexplain"
html_theme = "furo"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_extra_path = [str(HERE / "explorable")] if (HERE / "explorable").exists() else []
# A quick build, with DNNEXPLAIN_DOCS_RUN=0, neither runs the lessons nor copies all sources into pages, and leaves out
# the types in signatures and the objects in the contents of a page: most of a build's time goes into linking them.
QUICK = os.environ.get("DNNEXPLAIN_DOCS_RUN", "1") == "0"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", *([] if QUICK else ["sphinx.ext.viewcode"]), "myst_nb"]
exclude_patterns = ["build", "explorable", "README.md"]

# Lessons are run when the site is built, once per change, unless DNNEXPLAIN_DOCS_RUN=0.
nb_execution_mode = "off" if QUICK else "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True
nb_render_markdown_format = "myst"  # CommonMark, the default, has no tables
nb_output_stderr = "remove"
nb_ipywidgets_js = {
    "lesson.js": {"defer": "defer"}
}  # draws the panels as they were, instead of scripts from another host

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# "names" is an attribute of many; files outside the site (benchmarks/) are read in the repository, and a test follows
# every link of every page.
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header", "myst.xref_missing", "ref.python", "toc.glob"]

autodoc_member_order = "groupwise"
autodoc_typehints = "none" if QUICK else "signature"
toc_object_entries = not QUICK
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes stand in the class's text once, not again as members
python_use_unqualified_type_names = True


def _accessible(app: object, _problem: object) -> None:
    """Captions that the theme calls headings have a level, and what scrolls sideways is reached by keys."""
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        better = text.replace('role="heading">', 'role="heading" aria-level="2">')
        for scrolls in ("<pre", '<div class="table-wrapper'):
            better = re.sub(f"{scrolls}(?=[ >])(?![^>]*tabindex)", f'{scrolls[:4]} tabindex="0"{scrolls[4:]}', better)
        if better != text:
            page.write_text(better, encoding="utf-8")


def setup(app: object) -> None:
    """Fetch what is written elsewhere: the lessons, the systems' pages and the commands' help."""
    from dnnexplain.app.system_page import write_system_pages  # noqa: PLC0415
    from dnnexplain.glossary import glossary_page  # noqa: PLC0415
    from dnnexplain.registry import specs  # noqa: PLC0415

    app.connect("build-finished", _accessible)
    lessons = HERE / "lessons"
    shutil.rmtree(lessons, ignore_errors=True)
    lessons.mkdir()
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, lessons)
    shutil.rmtree(HERE / "systems", ignore_errors=True)
    write_system_pages(HERE / "systems", specs().values())
    (HERE / "commands.md").write_text(_commands(), encoding="utf-8")
    (HERE / "glossary.md").write_text(glossary_page(), encoding="utf-8")


def _commands() -> str:
    """Every command's help as one page."""
    import typer  # noqa: PLC0415

    from dnnexplain.cli import make_app  # noqa: PLC0415

    group = typer.main.get_command(make_app())
    parts = ["# Commands\n\nWritten from the commands' own help; `dnnexplain COMMAND --help` prints the same.\n"]
    for path, command in _walk(group, ()):
        text = command.get_help(command.make_context(" ".join(("dnnexplain", *path)), [], resilient_parsing=True))
        parts.append(f"## dnnexplain {' '.join(path)}\n\n```text\n{_plain(text)}\n```\n")
    return "\n".join(parts)


def _walk(command: object, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], object]]:
    inner = getattr(command, "commands", None)
    if not inner:
        return [(path, command)]
    return [found for name, sub in inner.items() for found in _walk(sub, (*path, name))]


def _plain(text: str) -> str:
    import re  # noqa: PLC0415

    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip("\n")
