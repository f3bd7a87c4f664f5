import json

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.video import default_video, parse_csv
from dnnexplain.systems.abr.video_files import load_video

TEMPLATE = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="{type}" mediaPresentationDuration="{length}">
<Period><AdaptationSet mimeType="audio/mp4"><Representation bandwidth="64000"/></AdaptationSet>
<AdaptationSet mimeType="video/mp4">{body}</AdaptationSet></Period></MPD>"""
RATES = '<Representation bandwidth="2000000"/><Representation bandwidth="500000"/>'


def manifest(folder, body, length="PT21S", kind="static"):
    path = folder / "film.mpd"
    path.write_text(TEMPLATE.format(body=body, length=length, type=kind), encoding="utf-8")
    return path


def test_the_default_video_is_the_published_one(data):
    told = np.array(
        [[int(line.split()[0]) for line in (data / f"video_size_{i}").read_text().splitlines()] for i in range(6)]
    ).T
    video = default_video()
    assert np.array_equal(video.sizes, told)
    assert video.chunks == 48
    assert "hongzimao/pensieve" in video.source


def test_the_default_video_has_294_sizes():
    video = default_video()
    assert video.sizes.shape == (49, 6)
    assert video.bitrates.tolist() == [300, 750, 1200, 1850, 2850, 4300]
    assert video.labels[3] == "1,850 kbps"
    assert video.sizes[0, 0] == 181_801
    assert video.sizes[48, 5] == 1_433_658


def test_sizes_from_csv(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("# mine\n# seconds: 2\n200;900\n1000;4000\n1100;4100\n1200;4200\n")
    video, sentence = load_video(path)
    assert (video.seconds, video.chunks, video.name, sentence) == (2.0, 3, "own.csv", "")
    assert video.sizes[2].tolist() == [1200, 4200]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("300,750\n1,2\n", "a line of chunk sizes"),
        ("300,x\n1,2\n2,3\n", "line 1"),
        ("300,750\n1,2\n3\n", "line 3 .* has 1 number"),
    ],
)
def test_a_csv_that_is_none_names_its_line(text, message):
    with pytest.raises(DnnExplainError, match=message):
        parse_csv(text, "bad.csv")


def test_a_manifest_with_a_template_has_sizes_by_bandwidth(tmp_path):
    body = f'<SegmentTemplate timescale="1000" duration="4000" media="$Number$.m4s"/>{RATES}'
    video, sentence = load_video(manifest(tmp_path, body))
    assert video.bitrates.tolist() == [500, 2000]
    assert video.sizes[0].tolist() == [250_000, 1_000_000]
    assert video.chunks == 6
    assert video.sizes[5].tolist() == [62_500, 250_000]  # the last second
    assert "gives no sizes" in sentence


def test_a_manifest_with_a_timeline_repeats(tmp_path):
    body = f'<SegmentTemplate timescale="10"><SegmentTimeline><S t="0" d="20" r="3"/><S d="40"/></SegmentTimeline></SegmentTemplate>{RATES}'
    video, sentence = load_video(manifest(tmp_path, body))
    assert video.chunks == 5
    assert video.seconds == 2.0
    assert video.sizes[4, 0] == 250_000
    assert not sentence.startswith("Its")
    until_end = body.replace('r="3"', 'r="-1"').replace('<S d="40"/>', "")
    assert load_video(manifest(tmp_path, until_end, "PT1M"))[0].chunks == 30


def test_a_manifest_with_byte_ranges_gives_true_sizes(tmp_path):
    def listed(sizes, bandwidth):
        ends = np.cumsum(sizes)
        urls = "".join(
            f'<SegmentURL mediaRange="{end - size}-{end - 1}"/>' for size, end in zip(sizes, ends, strict=True)
        )
        return (
            f'<Representation bandwidth="{bandwidth}"><SegmentList duration="3">{urls}</SegmentList></Representation>'
        )

    video, sentence = load_video(manifest(tmp_path, listed([10, 20, 30], 100_000) + listed([40, 50, 60], 200_000)))
    assert video.sizes.tolist() == [[10, 40], [20, 50], [30, 60]]
    assert sentence == ""


@pytest.mark.parametrize(
    ("body", "kind", "length", "message"),
    [
        (RATES, "static", "PT20S", "SegmentTemplate or SegmentList"),
        (f'<SegmentTemplate duration="4"/>{RATES}', "dynamic", "PT20S", "live stream"),
        (f'<SegmentTemplate duration="4"/>{RATES}', "static", "soon", "how long it lasts"),
        (f'<SegmentTemplate duration="0"/>{RATES}', "static", "PT20S", "duration, a number above 0"),
        (
            '<SegmentTemplate duration="4"/><Representation bandwidth="1"/>',
            "static",
            "PT20S",
            "1 different bandwidth of video",
        ),
        (f'<SegmentTemplate duration="0.0001"/>{RATES}', "static", "PT200H", "chunks; at most"),
        ("<oops>", "static", "PT20S", "not valid XML"),
    ],
)
def test_a_manifest_that_tells_too_little_is_refused(tmp_path, body, kind, length, message):
    with pytest.raises(DnnExplainError, match=message):
        load_video(manifest(tmp_path, body, length, kind))


def test_what_is_called_a_manifest_is_read_as_one(tmp_path):
    """It was told that its first line is no number."""
    path = tmp_path / "film.mpd"
    path.write_text("nope")
    with pytest.raises(DnnExplainError, match="not valid XML"):
        load_video(path)


def test_a_video_that_is_not_there_is_named():
    with pytest.raises(DnnExplainError, match="no video is called 'holiday'"):
        load_video("holiday")


def test_what_was_assumed_of_a_video_and_mended_in_a_link_is_said_in_json(tmp_path, capsys):
    film = tmp_path / "film.mpd"
    film.write_text(
        '<MPD mediaPresentationDuration="PT40S"><Period><AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="4"/>'
        '<Representation bandwidth="300000"/><Representation bandwidth="900000"/></AdaptationSet></Period></MPD>'
    )
    link = tmp_path / "link"
    link.write_text("0 1.0\n1 nan\n2 1.2\n3 1.0\n")
    words = ["evaluate", "abr", "--policy", "bb", "--video", str(film), "--workload", str(link), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert any("gives no sizes" in sentence for sentence in told["assumed"])
    assert any("1 sample was negative or no number" in sentence for sentence in told["read"])
    assert main(["evaluate", "abr", "--policy", "bb", "--sets", "1", "--json"]) == 0
    assert "read" not in json.loads(capsys.readouterr().out)  # each command begins anew
