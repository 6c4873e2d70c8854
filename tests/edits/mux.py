"""Writes units into MP4, fragmented MP4 or Annex B with exactly the bytes given, whatever they are.

ISO/IEC 14496-12 and -15, as little of them as a reader needs: one video track, 25 pictures a second.
"""
import struct

TIMESCALE, TICKS = 25000, 1000


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
        return box(b"avcC", bytes([1, *sps[1:4], 0xFF, 0xE1]), struct.pack(">H", len(sps)), sps,
                   b"\x01", struct.pack(">H", len(pps)), pps)
    arrays = []
    for kind in (32, 33, 34):
        unit = next((u for u in units if len(u) > 1 and u[0] >> 1 & 63 == kind), None)
        if unit:
            arrays.append(struct.pack(">BHH", 0x80 | kind, 1, len(unit)) + unit)
    head = b"\x01" + bytes([1]) + b"\x60\0\0\0" + b"\x90" + bytes(5) + b"\x5d" + b"\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f"
    return box(b"hvcC", head, bytes([len(arrays)]), *arrays)


def track(codec, units, count, tables):
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, 192, 108, 0x480000, 0x480000, 0, 1, 24, -1)
    stsd = full(b"stsd", 0, struct.pack(">I", 1), box(b"avc1" if codec == "h264" else b"hvc1", entry, configuration(codec, units)))
    duration = count * TICKS
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    return box(
        b"trak",
        full(b"tkhd", 7, struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, duration, 0, 0, 0, 0), matrix, struct.pack(">II", 192 << 16, 108 << 16)),
        box(b"mdia",
            full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, TIMESCALE, duration, 0x55C4, 0)),
            full(b"hdlr", 0, b"\0\0\0\0vide" + bytes(12) + b"video\0"),
            box(b"minf", full(b"vmhd", 1, bytes(8)), box(b"dinf", full(b"dref", 0, struct.pack(">I", 1), full(b"url ", 1))),
                box(b"stbl", stsd, *tables))))


def movie(codec, units, count, tables, *more):
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    head = full(b"mvhd", 0, struct.pack(">IIIIIH10x", 0, 0, TIMESCALE, count * TICKS, 0x10000, 0x100), matrix, bytes(24), struct.pack(">I", 2))
    return box(b"moov", head, track(codec, units, count, tables), *more)


def pack(sample):
    return b"".join(struct.pack(">I", len(u)) + u for u in sample)


def write_mp4(path, codec, samples):
    units, packed = [u for s in samples for u in s], [pack(s) for s in samples]
    ftyp = box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    for offset in (0, None):  # first to learn the size of the moov box
        tables = (full(b"stts", 0, struct.pack(">III", 1, len(samples), TICKS)),
                  full(b"stsc", 0, struct.pack(">IIII", 1, 1, len(samples), 1)),
                  full(b"stsz", 0, struct.pack(">II", 0, len(samples)), *(struct.pack(">I", len(p)) for p in packed)),
                  full(b"stco", 0, struct.pack(">II", 1, offset if offset is not None else len(ftyp) + len(moov) + 8)))
        moov = movie(codec, units, len(samples), tables)
    with open(path, "wb") as f:
        f.write(ftyp + moov + box(b"mdat", *packed))


def write_fragmented(path, codec, samples, per_fragment=10):
    units = [u for s in samples for u in s]
    empty = (full(b"stts", 0, bytes(4)), full(b"stsc", 0, bytes(4)), full(b"stsz", 0, bytes(8)), full(b"stco", 0, bytes(4)))
    mvex = box(b"mvex", full(b"trex", 0, struct.pack(">IIIII", 1, 1, TICKS, 0, 0)))
    out = [box(b"ftyp", b"iso5\0\0\2\0iso5iso6mp41"), movie(codec, units, 0, empty, mvex)]
    for number, first in enumerate(range(0, len(samples), per_fragment), 1):
        packed = [pack(s) for s in samples[first:first + per_fragment]]
        sizes = b"".join(struct.pack(">I", len(p)) for p in packed)
        tfhd = full(b"tfhd", 0x20000, struct.pack(">I", 1))  # offsets count from this moof box
        tfdt = full(b"tfdt", 0x1000000, struct.pack(">Q", first * TICKS))
        size = 8 + 16 + 8 + len(tfhd) + len(tfdt) + 20 + len(sizes)
        trun = full(b"trun", 0x201, struct.pack(">Ii", len(packed), size + 8), sizes)
        moof = box(b"moof", full(b"mfhd", 0, struct.pack(">I", number)), box(b"traf", tfhd, tfdt, trun))
        assert len(moof) == size
        out += [moof, box(b"mdat", *packed)]
    with open(path, "wb") as f:
        f.write(b"".join(out))


def fits_annex_b(unit):
    """Whether the unit survives a byte stream: no start code inside, no zero at the end (annex B of both standards)."""
    return b"\0\0\0" not in unit and b"\0\0\1" not in unit and not unit.endswith(b"\0") and unit


def write_annex_b(path, _codec, samples):
    with open(path, "wb") as f:
        for sample in samples:
            for i, unit in enumerate(sample):
                f.write((b"\0\0\0\1" if i == 0 else b"\0\0\1") + unit)


WRITERS = {"mp4": write_mp4, "fmp4": write_fragmented, "annexb": write_annex_b}
