"""Writes units into Matroska (RFC 9559) and MPEG-TS (ISO/IEC 13818-1), as little of them as a reader needs. As mux.py."""
import struct

import mux

MATROSKA_CODECS = {"h264": b"V_MPEG4/ISO/AVC", "h265": b"V_MPEGH/ISO/HEVC", "av1": b"V_AV1"}


# ---- Matroska
def element(identity, *parts):
    body = b"".join(parts)
    return bytes.fromhex(identity) + (0x0100000000000000 | len(body)).to_bytes(8, "big") + body


def number(identity, value):
    return element(identity, value.to_bytes(8, "big"))


def write_matroska(path, codec, samples, times=None, config=None):
    """Times in ms, as most writers do; rounded."""
    times = times or [i * mux.TICKS for i in range(len(samples))]
    zero = min(times)
    ms = [round((t - zero) * 1000 / mux.TIMESCALE) for t in times]
    head = element("1a45dfa3", number("4286", 1), number("42f7", 1), number("42f2", 4), number("42f3", 8),
                   element("4282", b"matroska"), number("4287", 4), number("4285", 2))
    info = element("1549a966", number("2ad7b1", 1000000), element("4d80", b"test"), element("5741", b"test"))
    video = element("e0", number("b0", mux.WIDTH), number("ba", mux.HEIGHT))
    tracks = element("1654ae6b", element(
        "ae", number("d7", 1), number("73c5", 1), number("83", 1), number("9c", 0), element("86", MATROSKA_CODECS[codec]),
        element("63a2", mux.config_of(codec, samples, config)), video))
    clusters, first = [], 0
    while first < len(samples):
        base, end = ms[first], first
        while end < len(samples) and abs(ms[end] - base) < 30000 and end - first < 25:
            end += 1
        blocks = [element("a3", b"\x81" + struct.pack(">hB", ms[i] - base, 0x80), mux.pack(codec, samples[i]))
                  for i in range(first, end)]
        clusters.append(element("1f43b675", number("e7", base), *blocks))
        first = end
    with open(path, "wb") as f:
        f.write(head + element("18538067", info, tracks, *clusters))


# ---- MPEG-TS
PMT_PID, VIDEO_PID = 0x1000, 0x100
STREAM_TYPES = {"h264": 0x1B, "h265": 0x24}


def crc32(data):
    """Annex A of 13818-1."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc.to_bytes(4, "big")


def table(pid, table_id, body):
    section = struct.pack(">BHH3B", table_id, 0xB000 | (len(body) + 9), 1, 0xC1, 0, 0) + body
    packet = struct.pack(">BHBB", 0x47, 0x4000 | pid, 0x10, 0) + section + crc32(section)
    return packet.ljust(188, b"\xff")


def stamp(mark, time):
    return struct.pack(">BHH", mark << 4 | time >> 29 & 14 | 1, time >> 14 & 0xFFFE | 1, time << 1 & 0xFFFE | 1)


def write_ts(path, codec, samples, times=None, config=None):
    """A stream has no header: parameter sets of `config` are not written."""
    times = times or [i * mux.TICKS for i in range(len(samples))]
    start = max(0, -min(times)) + 90000
    out = [table(0, 0, struct.pack(">HH", 1, 0xE000 | PMT_PID)),
           table(PMT_PID, 2, struct.pack(">HHBHH", 0xE000 | VIDEO_PID, 0xF000, STREAM_TYPES[codec], 0xE000 | VIDEO_PID, 0xF000))]
    counter = 0
    for i, sample in enumerate(samples):
        # Decoded well before it is shown, wherever the times begin: ffmpeg makes up other times for what is not.
        pts, dts = times[i] + start, max(0, min(times) + start + (i - 20) * mux.TICKS)
        pes = b"\0\0\1\xe0\0\0\x84\xc0\x0a" + stamp(3, pts) + stamp(1, dts) + mux.byte_stream(sample)
        at, begin = 0, True
        while at < len(pes):
            adaptation = b""
            if begin:
                adaptation = b"\x07\x10" + ((dts << 15 | 0x7E00) & 0xFFFFFFFFFFFF).to_bytes(6, "big")
            room = 184 - len(adaptation)
            piece = pes[at:at + room]
            if len(piece) < room:  # stuffing goes into the adaptation field
                short = room - len(piece)
                if not adaptation:
                    adaptation, short = (b"\0", 0) if short == 1 else (b"\x01\0", short - 2)
                adaptation += b"\xff" * short
                adaptation = bytes([len(adaptation) - 1]) + adaptation[1:]
            head = struct.pack(">BHB", 0x47, (0x4000 if begin else 0) | VIDEO_PID, (0x30 if adaptation else 0x10) | counter)
            out.append(head + adaptation + piece)
            at, begin, counter = at + len(piece), False, (counter + 1) & 15
    with open(path, "wb") as f:
        f.write(b"".join(out))


mux.WRITERS.update({"mkv": write_matroska, "ts": write_ts})
