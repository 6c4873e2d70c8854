"""Writes units into a container with exactly the bytes given, whatever they are: MP4, fragmented MP4, Matroska, MPEG-TS
(mux_foreign.py), Annex B, OBUs, IVF, units behind lengths.

ISO/IEC 14496-12 and -15 and the AV1 specification, as little of them as a reader needs: one video track. Each writer takes
(path, codec, samples, times, config): samples are lists of units, times their presentation times (90 kHz; None: 25 pictures
a second), config the decoder configuration record (None: made from the parameter sets in the stream).
"""
import struct

TIMESCALE, TICKS, WIDTH, HEIGHT = 90000, 3600, 192, 108
ENTRIES = {"h264": (b"avc1", b"avcC"), "h265": (b"hvc1", b"hvcC"), "av1": (b"av01", b"av1C")}


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind, version_flags, *parts):
    return box(kind, struct.pack(">I", version_flags), *parts)


def configuration(codec, units):
    """The decoder configuration record from the parameter sets found in the stream (14496-15, 5.3.3 and 8.3.3)."""
    if codec == "h264":
        sps = next((u for u in units if u[0] & 31 == 7 and len(u) > 3), b"\x67\x42\0\x0a")
        pps = next((u for u in units if u[0] & 31 == 8), b"\x68\xce\x3c\x80")
        return (bytes([1, *sps[1:4], 0xFF, 0xE1]) + struct.pack(">H", len(sps)) + sps +
                b"\x01" + struct.pack(">H", len(pps)) + pps)
    arrays = []
    for kind in (32, 33, 34):
        unit = next((u for u in units if len(u) > 1 and u[0] >> 1 & 63 == kind), None)
        if unit:
            arrays.append(struct.pack(">BHH", 0x80 | kind, 1, len(unit)) + unit)
    head = b"\x01" + bytes([1]) + b"\x60\0\0\0" + b"\x90" + bytes(5) + b"\x5d" + b"\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f"
    return head + bytes([len(arrays)]) + b"".join(arrays)


def track(codec, config, count, tables):
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, WIDTH, HEIGHT, 0x480000, 0x480000, 0, 1, 24, -1)
    kind, record = ENTRIES[codec]
    stsd = full(b"stsd", 0, struct.pack(">I", 1), box(kind, entry, box(record, config)))
    duration = count * TICKS
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    return box(
        b"trak",
        full(b"tkhd", 7, struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, duration, 0, 0, 0, 0), matrix, struct.pack(">II", WIDTH << 16, HEIGHT << 16)),
        box(b"mdia",
            full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, TIMESCALE, duration, 0x55C4, 0)),
            full(b"hdlr", 0, b"\0\0\0\0vide" + bytes(12) + b"video\0"),
            box(b"minf", full(b"vmhd", 1, bytes(8)), box(b"dinf", full(b"dref", 0, struct.pack(">I", 1), full(b"url ", 1))),
                box(b"stbl", stsd, *tables))))


def movie(codec, config, count, tables, *more):
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    head = full(b"mvhd", 0, struct.pack(">IIIIIH10x", 0, 0, TIMESCALE, count * TICKS, 0x10000, 0x100), matrix, bytes(24), struct.pack(">I", 2))
    return box(b"moov", head, track(codec, config, count, tables), *more)


def pack(codec, sample):
    return b"".join(u if codec == "av1" else struct.pack(">I", len(u)) + u for u in sample)


def offsets(samples, times):
    """Presentation minus decoding time of each sample; samples are decoded one every TICKS."""
    return [t - i * TICKS for i, t in enumerate(times)] if times else [0] * len(samples)


def config_of(codec, samples, config):
    return config if config is not None else configuration(codec, [u for s in samples for u in s])


def write_mp4(path, codec, samples, times=None, config=None):
    packed, config = [pack(codec, s) for s in samples], config_of(codec, samples, config)
    ftyp = box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    shifts = b"".join(struct.pack(">Ii", 1, o) for o in offsets(samples, times))
    for offset in (0, None):  # first to learn the size of the moov box
        tables = (full(b"stts", 0, struct.pack(">III", 1, len(samples), TICKS)),
                  full(b"ctts", 0x1000000, struct.pack(">I", len(samples)), shifts),
                  full(b"stsc", 0, struct.pack(">IIII", 1, 1, len(samples), 1)),
                  full(b"stsz", 0, struct.pack(">II", 0, len(samples)), *(struct.pack(">I", len(p)) for p in packed)),
                  full(b"stco", 0, struct.pack(">II", 1, offset if offset is not None else len(ftyp) + len(moov) + 8)))
        moov = movie(codec, config, len(samples), tables)
    with open(path, "wb") as f:
        f.write(ftyp + moov + box(b"mdat", *packed))


def write_fragmented(path, codec, samples, times=None, config=None, per_fragment=10):
    empty = (full(b"stts", 0, bytes(4)), full(b"stsc", 0, bytes(4)), full(b"stsz", 0, bytes(8)), full(b"stco", 0, bytes(4)))
    mvex = box(b"mvex", full(b"trex", 0, struct.pack(">IIIII", 1, 1, TICKS, 0, 0)))
    out = [box(b"ftyp", b"iso5\0\0\2\0iso5iso6mp41"), movie(codec, config_of(codec, samples, config), 0, empty, mvex)]
    shifts = offsets(samples, times)
    for number, first in enumerate(range(0, len(samples), per_fragment), 1):
        packed = [pack(codec, s) for s in samples[first:first + per_fragment]]
        rows = b"".join(struct.pack(">Ii", len(p), o) for p, o in zip(packed, shifts[first:]))
        tfhd = full(b"tfhd", 0x20000, struct.pack(">I", 1))  # offsets count from this moof box
        tfdt = full(b"tfdt", 0x1000000, struct.pack(">Q", first * TICKS))
        size = 8 + 16 + 8 + len(tfhd) + len(tfdt) + 20 + len(rows)
        trun = full(b"trun", 0x1000A01, struct.pack(">Ii", len(packed), size + 8), rows)
        moof = box(b"moof", full(b"mfhd", 0, struct.pack(">I", number)), box(b"traf", tfhd, tfdt, trun))
        assert len(moof) == size
        out += [moof, box(b"mdat", *packed)]
    with open(path, "wb") as f:
        f.write(b"".join(out))


def fits_annex_b(unit):
    """Whether the unit survives a byte stream: no start code inside, no zero at the end (annex B of both standards)."""
    return b"\0\0\0" not in unit and b"\0\0\1" not in unit and not unit.endswith(b"\0") and unit


def byte_stream(sample):
    return b"".join((b"\0\0\0\1" if i == 0 else b"\0\0\1") + unit for i, unit in enumerate(sample))


def write_annex_b(path, _codec, samples, _times=None, _config=None):
    with open(path, "wb") as f:
        f.write(b"".join(map(byte_stream, samples)))


TEMPORAL_DELIMITER = b"\x12\0"


def write_obu(path, _codec, samples, _times=None, _config=None):
    with open(path, "wb") as f:
        f.write(b"".join(TEMPORAL_DELIMITER + b"".join(s) for s in samples))


def write_ivf(path, _codec, samples, times=None, _config=None):
    times = times or [i * TICKS for i in range(len(samples))]
    with open(path, "wb") as f:
        f.write(struct.pack("<4sHH4sHHIII4x", b"DKIF", 0, 32, b"AV01", WIDTH, HEIGHT, TIMESCALE, 1, len(samples)))
        for sample, time in zip(samples, times):
            data = TEMPORAL_DELIMITER + b"".join(sample)
            f.write(struct.pack("<IQ", len(data), time - min(times)) + data)


def write_units(path, _codec, samples, _times=None, _config=None):
    with open(path, "wb") as f:
        f.write(b"".join(struct.pack(">I", len(u)) + u for s in samples for u in s))


WRITERS = {"mp4": write_mp4, "fmp4": write_fragmented, "annexb": write_annex_b, "obu": write_obu, "ivf": write_ivf,
           "units": write_units}
