"""A film for a real player: a DASH manifest, fragmented MP4 around one given VP9 key frame, and a server that throttles it.

Boxes are those of ISO/IEC 14496-12 and of "VP Codec ISO Media File Format Binding" 1.0. Each segment is padded (box
``free``) to the size that its chunk has in the video.
"""

import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

WIDTH, HEIGHT = 64, 36
CODEC = "vp09.00.10.08"
PIECE = 16_384


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind, *parts, version=0, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def numbers(*values):
    return struct.pack(f">{len(values)}I", *values)


MATRIX = numbers(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def header():
    """The initialization segment: one video track of a time scale of a second."""
    entry = box(
        b"vp09",
        bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">HH", WIDTH, HEIGHT), numbers(0x480000, 0x480000, 0),
        struct.pack(">H", 1), bytes(32), struct.pack(">Hh", 24, -1),
        full(b"vpcC", bytes([0, 10, 8 << 4 | 1 << 1, 2, 2, 2, 0, 0]), version=1),
    )  # fmt: skip
    empty = [full(kind, numbers(0)) for kind in (b"stts", b"stsc", b"stco")]
    table = box(b"stbl", full(b"stsd", numbers(1), entry), *empty[:2], full(b"stsz", numbers(0, 0)), empty[2])
    place = box(b"dinf", full(b"dref", numbers(1), full(b"url ", flags=1)))
    media = box(
        b"mdia",
        full(b"mdhd", numbers(0, 0, 1, 0), struct.pack(">HH", 0x55C4, 0)),
        full(b"hdlr", numbers(0), b"vide", bytes(12), b"film\0"),
        box(b"minf", full(b"vmhd", bytes(8), flags=1), place, table),
    )
    shown = struct.pack(">II", WIDTH << 16, HEIGHT << 16)
    track = box(b"trak", full(b"tkhd", numbers(0, 0, 1, 0, 0, 0, 0, 0, 0), MATRIX, shown, flags=3), media)
    movie = full(
        b"mvhd", numbers(0, 0, 1, 0, 0x10000), struct.pack(">H", 0x100), bytes(10), MATRIX, bytes(24), numbers(2)
    )
    extends = box(b"mvex", full(b"trex", numbers(1, 1, 0, 0, 0)))
    return box(b"ftyp", b"iso6", numbers(0), b"iso6dash") + box(b"moov", movie, track, extends)


def segment(number, seconds, frame, size):
    """One chunk of ``size`` bytes: the same key frame every second."""
    samples = b"".join(numbers(1, len(frame)) for _ in range(seconds))

    def moof(offset):
        run = full(b"trun", numbers(seconds), struct.pack(">i", offset), samples, flags=0x301)
        parts = (full(b"tfhd", numbers(1), flags=0x20000), full(b"tfdt", numbers(number * seconds)), run)
        return box(b"moof", full(b"mfhd", numbers(number + 1)), box(b"traf", *parts))

    data = box(b"mdat", frame * seconds)
    known = moof(len(moof(0)) + 8) + data
    return known + box(b"free", bytes(size - len(known) - 8))


def manifest(video):
    rates = "".join(
        f'<Representation id="{level}" bandwidth="{int(rate * 1000)}" width="{WIDTH}" height="{HEIGHT}"/>'
        for level, rate in enumerate(video.bitrates)
    )
    seconds = int(video.seconds)
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT2S" '
        f'profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT{video.chunks * seconds}S"><Period>'
        f'<AdaptationSet contentType="video" mimeType="video/mp4" codecs="{CODEC}" segmentAlignment="true">'
        f'<SegmentTemplate duration="{seconds}" timescale="1" startNumber="0" initialization="init.mp4" '
        f'media="$RepresentationID$-$Number$.m4s"/>{rates}</AdaptationSet></Period></MPD>'
    )


class Server(ThreadingHTTPServer):
    """Serves files from memory and the film's segments at ``rates[number]`` Mb/s; ``asked`` tells number and level."""

    daemon_threads = True

    def __init__(self, video, files, rates):
        super().__init__(("127.0.0.1", 0), Handler)
        self.video, self.files, self.rates, self.frame, self.asked = video, dict(files), rates, b"", []
        self.files |= {
            "film.mpd": ("application/dash+xml", manifest(video).encode()),
            "init.mp4": ("video/mp4", header()),
        }
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name, server = self.path[1:], self.server
        if name.endswith(".m4s"):
            level, number = map(int, name.removesuffix(".m4s").split("-"))
            size = int(server.video.sizes[number, level])
            server.asked.append((number, level))
            body = segment(number, int(server.video.seconds), server.frame, size)
            self.send("video/mp4", body, server.rates[min(number, len(server.rates) - 1)])
        elif name in server.files:
            self.send(*server.files[name])
        else:
            self.send_error(404)

    def send(self, kind, body, rate=0.0):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        began = time.monotonic()
        for place in range(0, len(body), PIECE):
            self.wfile.write(body[place : place + PIECE])
            if rate:
                due = began + 8e-6 * (place + PIECE) / rate
                time.sleep(max(due - time.monotonic(), 0.0))

    def log_message(self, *_):
        pass
