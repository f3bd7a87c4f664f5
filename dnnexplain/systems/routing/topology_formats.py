"""Files of topologies as graphs: GraphML, GML, JSON (node-link), REPETITA, SNDlib (native and XML); told by content.

Whatever a format gives, the result is a networkx graph whose nodes may have ``name``, ``Longitude`` and
``Latitude``, and whose edges may have ``capacity`` in Gb/s. What a file leaves open goes into
``graph.graph["assumed"]`` as sentences.

Formats: REPETITA (Gay, Schaus, Vissicchio 2017, https://github.com/svissicchio/Repetita); SNDlib (Orlowski,
Wessaely, Pioro, Tomaszewski 2010, http://sndlib.zib.de, section "formats").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import networkx as nx

from dnnexplain.contract import DnnExplainError
from dnnexplain.reading import parse_json, parse_xml, read_bytes

__all__ = ["FORMATS", "UNITS", "graph_from_file", "in_unit", "read_demands", "text_of"]

FORMATS = "GraphML, GML, JSON (node-link), REPETITA (.graph), SNDlib (native or XML)"

UNITS = {"Gb/s": 1.0, "Mb/s": 1e-3, "kb/s": 1e-6, "b/s": 1e-9}
"""Unit of capacities -> Gb/s."""

_SNDLIB_UNITS = {"GBITPERSEC": "Gb/s", "MBITPERSEC": "Mb/s", "KBITPERSEC": "kb/s", "BITPERSEC": "b/s"}
_NUMBER = r"[-+]?[\d.]+(?:[eE][-+]?\d+)?"
_SNDLIB_XML = "{http://sndlib.zib.de/network}"


def graph_from_file(path: Path, unit: str | None = None) -> Any:
    """The graph in a file; capacities in Gb/s.

    Args:
        path: plain or packed by gzip, bzip2 or xz.
        unit: of the file's capacities, one of :data:`UNITS`, where the format or the file does not fix it.

    Raises:
        DnnExplainError: the file cannot be read, is in none of the formats, or is damaged.
    """
    data = read_bytes(path, "topology file")
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        root = parse_xml(data, path)
        return _sndlib_xml(root, unit) if root.tag == f"{_SNDLIB_XML}network" else in_unit(_graphml(root, path), unit)
    text = _without_comments(text_of(data, path))
    reader = _reader(text)
    if reader is None:
        msg = f"{path} is in no format of topologies that is read; read are {FORMATS}"
        raise DnnExplainError(msg)
    try:
        return reader(text, unit)
    except DnnExplainError as error:
        msg = f"{path}: {error}"
        raise DnnExplainError(msg) from None
    except Exception as error:  # noqa: BLE001 - damaged files make networkx and these readers raise many kinds
        msg = f"{path} is a damaged topology file: {type(error).__name__}: {' '.join(str(error).split())[:100]}"
        raise DnnExplainError(msg) from None


def text_of(data: bytes, path: Path) -> str:
    """Text in UTF-8, or in the Windows code page that old files are in.

    Raises:
        DnnExplainError: it is no text.
    """
    if b"\0" in data[:65536]:
        msg = f"{path} is not a text file; topologies are read from {FORMATS}"
        raise DnnExplainError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _without_comments(text: str) -> str:
    """The text without lines that begin with ``#``, which are comments in each of the formats that has any."""
    return re.sub(r"^[ \t]*#.*\n?", "", text, flags=re.MULTILINE)


def _reader(text: str) -> Callable[[str, str | None], Any] | None:
    start = text.lstrip()
    if start.startswith("?SNDlib"):
        return _sndlib_native
    if start.startswith("{"):
        return _node_link
    if re.match(r"NODES\s+\d+\s*\n", start):
        return _repetita
    if re.search(r"^[ \t]*graph\s*\[", text, re.MULTILINE):
        return _gml
    return None


def _factor(unit: str | None, default: str) -> float:
    return UNITS[unit or default]


def in_unit(graph: Any, unit: str | None) -> Any:
    """The graph, with the unit in which its edges' plain numbers are, where somebody said it."""
    if unit:
        graph.graph["gbps"] = UNITS[unit]
    return graph


def _each_way(links: Sequence[tuple[Any, Any]]) -> bool:
    """Whether links are listed once for either direction, all of them, so that none stands beside another."""
    each = set(links)
    return bool(links) and len(each) == len(links) and all((b, a) in each for a, b in links)


def _said(graph: Any, *sentences: str) -> Any:
    graph.graph["assumed"] = [*graph.graph.get("assumed", ()), *filter(None, sentences)]
    return graph


# --- formats of networkx ------------------------------------------------------------------------


def _declared(path: str, nodes: Iterable[Any], ends: Iterable[Any]) -> None:
    """Refuse what networkx would make a node of: a name that is there twice, and a link's end that is no node.

    Raises:
        DnnExplainError: says which name.
    """
    known: set[Any] = set()
    for node in nodes:
        if node in known:
            msg = f"{path}: the node {node!r} is there twice; give each one its own id"
            raise DnnExplainError(msg)
        known.add(node)
    for end in ends:
        if end not in known:
            msg = f"{path}: a link ends at {end!r}, which is no node of the file; add the node or mend the name"
            raise DnnExplainError(msg)


def _graphml(root: ET.Element, path: Path) -> Any:
    space = root.tag.rpartition("}")[0] + "}" * root.tag.startswith("{")
    links = list(root.iter(f"{space}edge"))
    nodes = [item.get("id") for item in root.iter(f"{space}node")]
    _declared(str(path), nodes, [link.get(end) for link in links for end in ("source", "target")])
    if _each_way([(link.get("source"), link.get("target")) for link in links]):
        for graph in root.iter(f"{space}graph"):
            graph.set("edgedefault", "directed")
    try:
        return nx.parse_graphml(ET.tostring(root, encoding="unicode"))
    except Exception as error:  # noqa: BLE001 - the GraphML reader raises many types
        msg = f"{path} is neither a GraphML graph nor an SNDlib network: {' '.join(str(error).split())[:100]}"
        raise DnnExplainError(msg) from None


def _gml(text: str, unit: str | None) -> Any:
    ends = [re.findall(rf"^[ \t]*{end}\s+(\S+)", text, re.MULTILINE) for end in ("source", "target")]
    if _each_way(list(zip(*ends, strict=False))):
        plain = re.sub(r"^[ \t]*(directed|multigraph)\s+\d[ \t\r]*$", "", text, flags=re.MULTILINE)
        text = _with_flag(plain, "directed 1")
    return in_unit(_parsed_gml(text), unit)


def _with_flag(text: str, flag: str) -> str:
    return re.sub(r"^([ \t]*graph\s*\[)", rf"\1\n  {flag}", text, count=1, flags=re.MULTILINE)


def _parsed_gml(text: str) -> Any:
    try:
        return nx.parse_gml(text, label="label")
    except nx.NetworkXError as error:
        if "duplicated" in str(error) and "multigraph" not in text:  # parallel links, as in the Topology Zoo
            return _parsed_gml(_with_flag(text, "multigraph 1"))
        if "label" not in str(error):
            raise
        return nx.parse_gml(text, label="id")  # labels that repeat, as in the Topology Zoo


def _node_link(text: str, unit: str | None) -> Any:
    data = parse_json(text, "it")
    names = [name for name in ("edges", "links") if name in data]
    if not names or "nodes" not in data:
        msg = 'this JSON is no node-link graph: {"nodes": [{"id": ...}], "edges": [{"source": ..., "target": ...}]}'
        raise DnnExplainError(msg)
    ends = [link[end] for link in data[names[0]] for end in ("source", "target")]
    known, places = [node.get("id") for node in data["nodes"]], range(len(data["nodes"]))
    if not set(ends) <= set(known) and all(isinstance(end, int) and end in places for end in ends):
        msg = (
            f'the links of this JSON say their ends by position ("source": {ends[0]}), as d3 writes them; give each node '
            'an "id", and say the ends by it: {"nodes": [{"id": "A"}, {"id": "B"}], "edges": [{"source": "A", "target": "B"}]}'
        )
        raise DnnExplainError(msg)
    _declared("this node-link graph", [node["id"] for node in data["nodes"]], ends)
    given = {"directed": False, "multigraph": True, **data}
    if _each_way([(link["source"], link["target"]) for link in data[names[0]]]):
        given["directed"] = True
    return in_unit(nx.node_link_graph(given, edges=names[0]), unit)


# --- REPETITA -----------------------------------------------------------------------------------


def _table(text: str, title: str) -> Iterator[list[str]]:
    """The rows of a section: its title with their number, a line of column names, then they."""
    match = re.search(rf"^{title}\s+(\d+)\s*\n[^\n]*\n", text, re.MULTILINE)
    if match is None:
        msg = f"its section {title} is missing"
        raise DnnExplainError(msg)
    rest = re.split(r"^[A-Z]+[ \t]+\d+[ \t\r]*$", text[match.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.split() for line in rest.split("\n") if line.strip()]
    if len(rows) != int(match.group(1)):
        cause = "the file is cut off" if len(rows) < int(match.group(1)) else "mend the number or the lines"
        msg = f"its section {title} should have {match.group(1)} lines, but has {len(rows)}: {cause}"
        raise DnnExplainError(msg)
    return iter(rows)


def _repetita(text: str, unit: str | None) -> Any:
    """Directed edges; ``bw`` in kb/s, which the format takes for granted."""
    graph = nx.MultiDiGraph()
    for index, row in enumerate(_table(text, "NODES")):
        label, x, y = " ".join(row[:-2]), float(row[-2]), float(row[-1])
        graph.add_node(index, name=re.sub(rf"^{index}_", "", label), Longitude=x, Latitude=y)
    for row in _table(text, "EDGES"):
        a, b, bandwidth = int(row[1]), int(row[2]), float(row[4])
        if not (0 <= a < len(graph) and 0 <= b < len(graph)):
            msg = f"edge {row[0]} joins nodes {a} and {b}, but there are {len(graph)}"
            raise DnnExplainError(msg)
        graph.add_edge(a, b, capacity=bandwidth * _factor(unit, "kb/s"))
    return _said(graph, "" if unit else "capacities are taken as kb/s, as in REPETITA's own files")


# --- SNDlib -------------------------------------------------------------------------------------


def _sndlib_native(text: str, unit: str | None) -> Any:
    graph = nx.MultiGraph()
    for match in re.finditer(
        rf"^[ \t]*(\S+)\s*\(\s*({_NUMBER})\s+({_NUMBER})\s*\)", _section(text, "NODES"), re.MULTILINE
    ):
        graph.add_node(match.group(1), Longitude=float(match.group(2)), Latitude=float(match.group(3)))
    links = _section(text, "LINKS")
    of_modules = 0
    pattern = rf"^[ \t]*(\S+)\s*\(\s*(\S+)\s+(\S+)\s*\)\s*({_NUMBER})([^(\n]*)\(([^)\n]*)\)"
    for match in re.finditer(pattern, links, re.MULTILINE):
        modules = [float(number) for number in match.group(6).split()[::2]]
        of_modules += _add_link(graph, match.group(1), match.group(2), match.group(3), float(match.group(4)), modules)
    words = re.search(r"\bunit\s*=\s*(\w+)", text[: text.index("NODES")])
    return _in_gigabits(graph, unit, words.group(1) if words else "", of_modules)


def _section(text: str, title: str) -> str:
    """What stands between a section's title and the line that closes it, looked for once each: blank lines may be many."""
    begins = re.search(rf"^[ \t]*{title}\s*\([ \t\r]*$", text, re.MULTILINE)
    ends = None if begins is None else re.compile(r"^[ \t]*\)[ \t\r]*$", re.MULTILINE).search(text, begins.end())
    if begins is None or ends is None:
        msg = f"its section {title} is missing or does not end"
        raise DnnExplainError(msg)
    return text[begins.end() : ends.start()]


def _sndlib_xml(root: ET.Element, unit: str | None) -> Any:
    graph = nx.MultiGraph()
    for node in root.iter(f"{_SNDLIB_XML}node"):
        x, y = (node.findtext(f".//{_SNDLIB_XML}{axis}") for axis in "xy")
        place = {} if x is None or y is None else {"Longitude": float(x), "Latitude": float(y)}
        graph.add_node(str(node.get("id")), **place)
    of_modules = 0
    for link in root.iter(f"{_SNDLIB_XML}link"):
        a, b = (str(link.findtext(f"{_SNDLIB_XML}{end}")) for end in ("source", "target"))
        installed = link.findtext(f"{_SNDLIB_XML}preInstalledModule/{_SNDLIB_XML}capacity")
        modules = [float(e.text or 0) for e in link.iterfind(f".//{_SNDLIB_XML}addModule/{_SNDLIB_XML}capacity")]
        of_modules += _add_link(graph, str(link.get("id")), a, b, float(installed or 0), modules)
    return _in_gigabits(graph, unit, root.findtext(f".//{_SNDLIB_XML}unit") or "", of_modules)


def _add_link(graph: Any, name: str, a: str, b: str, installed: float, modules: list[float]) -> bool:
    """Add a link with its installed capacity, or else its largest module's; whether it was a module's."""
    if not {a, b} <= set(graph):
        msg = f"link {name} joins {a} and {b}, of which one is no node"
        raise DnnExplainError(msg)
    size = installed if installed > 0 else max(modules, default=0.0)
    graph.add_edge(a, b, **({"capacity": size} if size > 0 else {}))
    return installed <= 0 < size


def _in_gigabits(graph: Any, unit: str | None, unit_said: str, of_modules: int) -> Any:
    known = unit or _SNDLIB_UNITS.get(unit_said.upper())
    for *_, data in graph.edges(data=True):
        if "capacity" in data:
            data["capacity"] *= _factor(known, "Gb/s")
    links = graph.number_of_edges()
    return _said(
        graph,
        "" if known else "the file names no unit: its capacities were taken as Gb/s (unit= says another)",
        f"{of_modules} of {links} links have no installed capacity: their largest module's was taken"
        if of_modules
        else "",
    )


# --- demands ------------------------------------------------------------------------------------


def read_demands(data: bytes, path: Path) -> list[tuple[int | str, int | str, float]] | None:
    """Demands of a REPETITA or SNDlib file as (source, target, number); ``None`` for any other file.

    Sources and targets are numbers of nodes in REPETITA, their names in SNDlib.
    """
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        root = parse_xml(data, path)
        return [
            (
                str(item.findtext(f"{_SNDLIB_XML}source")),
                str(item.findtext(f"{_SNDLIB_XML}target")),
                float(item.findtext(f"{_SNDLIB_XML}demandValue") or "nan"),
            )
            for item in root.iter(f"{_SNDLIB_XML}demand")
        ]
    if start.startswith(b"?SNDlib"):
        pattern = rf"^\s*\S+\s*\(\s*(\S+)\s+(\S+)\s*\)\s*\d+\s+({_NUMBER})"
        matches = re.finditer(pattern, _section(_without_comments(text_of(data, path)), "DEMANDS"), re.MULTILINE)
        return [(match.group(1), match.group(2), float(match.group(3))) for match in matches]
    text = _without_comments(text_of(data, path)) if b"DEMANDS" in data[:4096] else ""
    if re.match(r"DEMANDS\s+\d+\s*\n", text.lstrip()):
        return [(int(row[1]), int(row[2]), float(row[3])) for row in _table(text, "DEMANDS")]
    return None
