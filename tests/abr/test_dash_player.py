"""A real dash.js, from npm, plays a throttled film in Chromium, and asks for what the network would ask for."""

import base64
import shutil
import subprocess
import tarfile

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system
from tests.abr.film import CODEC, HEIGHT, WIDTH, Server

PACKAGE, FILE = "dashjs@4.7.4", "package/dist/dash.all.min.js"
RATES = (2.0, 4.0, 6.0, 6.0, 6.0, 1.2, 1.2, 3.0, 8.0, 8.0)
CHUNKS = 9
CLOSE = 1e-3

PAGE = """<!doctype html><video muted></video><script src="dash.js"></script><script src="rule.js"></script><script>
const asked = [], decide = BitrateNetwork.prototype.decide;
BitrateNetwork.prototype.decide = function (known) {
    const decided = decide.call(this, known);
    asked.push({ ...known, decided });
    return decided;
};
function start() {
    const player = dashjs.MediaPlayer().create(), long = 60;
    player.updateSettings({ streaming: {
        abr: { useDefaultABRRules: false, limitBitrateByPortal: false, initialBitrate: { video: 750 } },
        buffer: { stableBufferTime: long, bufferTimeAtTopQuality: long, bufferTimeAtTopQualityLongForm: long,
                  fastSwitchEnabled: false } } });
    player.addABRCustomRule("qualitySwitchRules", "NetworkRule", NetworkRule);
    player.on("error", (event) => { window.failed = JSON.stringify(event.error); });
    player.initialize(document.querySelector("video"), "film.mpd", true);
}
</script>"""

ENCODE = """async ([codec, width, height]) => {
    const canvas = new OffscreenCanvas(width, height), chunks = [];
    canvas.getContext("2d").fillRect(0, 0, width, height);
    const encoder = new VideoEncoder({ output: (chunk) => chunks.push(chunk), error: (e) => { throw e; } });
    encoder.configure({ codec, width, height });
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    encoder.encode(frame, { keyFrame: true });
    await encoder.flush();
    const bytes = new Uint8Array(chunks[0].byteLength);
    chunks[0].copyTo(bytes);
    return btoa(String.fromCharCode(...bytes));
}"""


@pytest.fixture(scope="module")
def dash(tmp_path_factory):
    """The player's program, as npm has it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so that there is no dash.js to drive")
    folder = tmp_path_factory.mktemp("npm")
    ran = subprocess.run(
        [npm, "pack", PACKAGE, "--prefer-offline", "--silent", "--pack-destination", folder],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if ran.returncode:
        pytest.skip(f"npm could not fetch {PACKAGE}: {ran.stderr.strip()[-200:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        return archive.extractfile(FILE).read()


def observed(system, known):
    """The picture of what the player knew, in the words of the published code."""
    columns, picture = system.codec.columns, np.zeros(system.observation_shape)
    rates = system.video.bitrates
    rows = {
        0: [rates[level] / rates[-1] for level in known["levels"]],
        1: np.array(known["buffers"]) / 10,
        2: np.array(known["throughputs"][-columns:]) / 8,
        3: np.array(known["times"][-columns:]) / 10,
        5: np.minimum(known["lefts"], 48) / 48,
    }
    for row, values in rows.items():
        picture[row, columns - len(values) :] = values
    picture[4] = known["smallest"]
    picture[4, : len(rates)] = known["sizes"]
    return picture.astype(np.float32)


def test_dash_js_asks_for_what_the_network_asks_for(chromium, dash, tmp_path):
    rule = tmp_path / "rule.dash.js"
    assert main(["export", "abr", str(rule)]) == 0
    system = make_system("abr")
    network = named_policy(system, "default")
    script = "text/javascript"
    files = {
        "": ("text/html", PAGE.encode()), "dash.js": (script, dash), "rule.js": (script, rule.read_bytes()),
        "favicon.ico": ("image/png", b""),
    }  # fmt: skip
    server = Server(system.video, files, RATES)
    page = chromium.new_page()
    try:
        page.goto(server.address)
        server.frame = base64.b64decode(page.evaluate(ENCODE, [CODEC, WIDTH, HEIGHT]))
        page.evaluate("start()")
        done = f"window.failed || asked.some((one) => one.times.length >= {CHUNKS})"
        page.wait_for_function(done, timeout=240_000)
        assert page.evaluate("window.failed || ''") == ""
        asked = page.evaluate("asked")
    finally:
        page.close()
        server.shutdown()
        server.server_close()

    numbers = [number for number, _ in server.asked]
    assert numbers[:CHUNKS] == list(range(CHUNKS))  # each chunk once, in order
    levels = dict(server.asked)
    assert levels[0] == 1  # the first chunk is no decision
    for one in asked:
        count = len(one["times"])
        # What the rule took from the player is what the server knows of it.
        assert one["level"] == levels[count - 1]
        moved = np.array(one["throughputs"]) * one["times"] / 8e-6
        np.testing.assert_allclose(moved, [system.video.sizes[n, levels[n]] for n in range(count)], rtol=1e-6)
        np.testing.assert_allclose(one["sizes"], system.video.sizes[count] / 1e6, rtol=1e-9)
        assert one["levels"] == [levels[n] for n in range(max(count - 8, 0), count)]
        # And what it decides is what the network decides.
        outputs = network.outputs(observed(system, one)[None])[0]
        assert outputs[one["decided"]] >= outputs.max() - CLOSE
    # The player does as the rule said: the last decision before each request is the chunk's bitrate.
    last = {len(one["times"]): one["decided"] for one in asked}
    assert [levels[count] for count in range(1, CHUNKS)] == [last[count] for count in range(1, CHUNKS)]
    assert len(set(last.values())) >= 3
