"""Units (NAL units without start code or length, OBUs) of clips: MP4, fragmented MP4, Annex B, OBUs and `.units`.

Test code, independent of the C++ readers on purpose. Written from ISO/IEC 14496-12, 14496-15, annex B of ITU-T H.264 and
H.265, and the AV1 specification with its binding to ISOBMFF. `.units` (also `.rec`): each unit behind its length as 4 bytes,
big endian.
"""
import struct


class Track:
    """The video track of an MP4 file: `samples` are lists of units, `times` their presentation times in seconds times
    `timescale`, `config` the decoder configuration record."""

    def __init__(self, codec, samples, times, timescale, config):
        self.codec, self.samples, self.times, self.timescale, self.config = codec, samples, times, timescale, config


def read_clip(path, codec=None):
    """Returns (codec, samples): codec 'h264', 'h265' or 'av1', samples = list of lists of units (bytes).

    Raw streams have no samples; they come as one list."""
    with open(path, "rb") as f:
        data = f.read()
    if data[4:8] in (b"ftyp", b"styp", b"moov"):
        track = read_mp4(data)
        return track.codec, track.samples
    if str(path).endswith(".obu"):
        return "av1", [split_obus(data)]
    if str(path).endswith((".units", ".rec")):
        units = read_lengths(data)
    else:
        units = read_annex_b(data)
    return codec or guess_codec(units), [units]


def read_units(path, codec=None):
    codec, samples = read_clip(path, codec)
    return codec, [u for sample in samples for u in sample]


def read_track(path):
    with open(path, "rb") as f:
        return read_mp4(f.read())


def leb128(data, at):
    """(value, place behind it) of the AV1 specification's 4.10.5."""
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return value, at


def split_obus(data):
    """OBUs that say their own size, without extension (AV1, 5.2)."""
    units, at = [], 0
    while at < len(data):
        if data[at] & 0x86 != 2:
            raise ValueError("an OBU without size, or with an extension")
        size, payload = leb128(data, at + 1)
        if payload + size > len(data):
            raise ValueError("the file ends inside an OBU")
        units.append(data[at:payload + size])
        at = payload + size
    return units


def write_units(path, units):
    with open(path, "wb") as out:
        for unit in units:
            out.write(len(unit).to_bytes(4, "big") + unit)


def read_lengths(data, size=4):
    units, pos = [], 0
    while pos < len(data):
        n = int.from_bytes(data[pos:pos + size], "big")
        if pos + size + n > len(data):
            raise ValueError("the file ends inside a unit")
        if n:
            units.append(data[pos + size:pos + size + n])
        pos += size + n
    return units


def read_annex_b(data):
    starts, pos = [], data.find(b"\0\0\1")
    while pos >= 0:
        starts.append(pos)
        pos = data.find(b"\0\0\1", pos + 3)
    ends = starts[1:] + [len(data)]
    # Zeros before a start code are trailing_zero_8bits or the fourth byte of the start code, never part of a unit.
    return [u for u in (data[s + 3:e].rstrip(b"\0") for s, e in zip(starts, ends)) if u]


def guess_codec(units):
    """H.264 parameter sets are types 7 and 8; H.265 ones start 0x40/0x42/0x44 0x01."""
    h265 = sum(len(u) > 1 and u[0] in (0x40, 0x42, 0x44, 0x4E, 0x26, 0x28, 0x2A, 0x02) and u[1] in (1, 2) for u in units)
    return "h265" if h265 * 2 > len(units) else "h264"


def boxes(data, begin, end):
    """Yields (type, begin, end) of each box's content between two offsets."""
    while begin + 8 <= end:
        size, kind = struct.unpack(">I4s", data[begin:begin + 8])
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[begin + 8:begin + 16], "big"), 16
        elif size == 0:
            size = end - begin
        if size < head or begin + size > end:
            raise ValueError("box %r reaches past its parent" % kind)
        yield kind, begin + head, begin + size
        begin += size


def find(data, begin, end, *path):
    for kind, b, e in boxes(data, begin, end):
        if kind == path[0]:
            return (b, e) if len(path) == 1 else find(data, b, e, *path[1:])
    return None


def u32s(data, pos, count):
    return struct.unpack(">%dI" % count, data[pos:pos + 4 * count])


def read_mp4(data):
    moov = find(data, 0, len(data), b"moov")
    for kind, b, e in boxes(data, *moov):
        if kind != b"trak" or data[find(data, b, e, b"mdia", b"hdlr")[0] + 8:][:4] != b"vide":
            continue
        track = u32s(data, find(data, b, e, b"tkhd")[0] + (20 if data[find(data, b, e, b"tkhd")[0]] else 12), 1)[0]
        stbl = find(data, b, e, b"mdia", b"minf", b"stbl")
        entry, eb, ee = next(boxes(data, find(data, *stbl, b"stsd")[0] + 8, find(data, *stbl, b"stsd")[1]))
        if entry not in ENTRIES:
            continue
        codec, record, length_at = ENTRIES[entry]
        config = data[slice(*find(data, eb + 78, ee, record))]
        size = (config[length_at] & 3) + 1 if length_at else 0
        places = stbl_samples(data, stbl) + fragment_samples(data, moov, track)
        samples = [read_lengths(data[o:o + n], size) if size else split_obus(data[o:o + n]) for o, n in places]
        head = find(data, b, e, b"mdia", b"mdhd")[0]
        timescale = u32s(data, head + (20 if data[head] else 12), 1)[0]
        return Track(codec, samples, stbl_times(data, stbl), timescale, config)
    raise ValueError("no H.264, H.265 or AV1 track")


# Of a sample entry: codec, its decoder configuration record, and where that says how long the lengths are.
ENTRIES = {b"avc1": ("h264", b"avcC", 4), b"avc3": ("h264", b"avcC", 4), b"hvc1": ("h265", b"hvcC", 21),
           b"hev1": ("h265", b"hvcC", 21), b"av01": ("av1", b"av1C", None)}


def stbl_times(data, stbl):
    """Presentation time of each sample by ISO/IEC 14496-12, 8.6.1; edit lists are passed over."""
    at, times, now = find(data, *stbl, b"stts")[0], [], 0
    for i in range(u32s(data, at + 4, 1)[0]):
        count, delta = u32s(data, at + 8 + 8 * i, 2)
        times += range(now, now + count * delta, delta) if delta else [now] * count
        now += count * delta
    ctts = find(data, *stbl, b"ctts")
    sample = 0
    for i in range(u32s(data, ctts[0] + 4, 1)[0]) if ctts else ():
        count, offset = struct.unpack(">Ii", data[ctts[0] + 8 + 8 * i:ctts[0] + 16 + 8 * i])
        for k in range(sample, sample + count):
            times[k] += offset
        sample += count
    return times


def stbl_samples(data, stbl):
    """(offset, size) of each sample by the tables of ISO/IEC 14496-12, 8.7."""
    at = find(data, *stbl, b"stsz")[0]
    fixed, count = u32s(data, at + 4, 2)
    sizes = [fixed] * count if fixed else u32s(data, at + 12, count)
    co = find(data, *stbl, b"stco")
    if co:
        offsets = u32s(data, co[0] + 8, u32s(data, co[0] + 4, 1)[0])
    else:
        co = find(data, *stbl, b"co64")
        offsets = struct.unpack(">%dQ" % u32s(data, co[0] + 4, 1)[0], data[co[0] + 8:co[1]])
    at = find(data, *stbl, b"stsc")[0]
    runs = [u32s(data, at + 8 + 12 * i, 3) for i in range(u32s(data, at + 4, 1)[0])]
    places, sample = [], 0
    for chunk, offset in enumerate(offsets, 1):
        per_chunk = [r[1] for r in runs if r[0] <= chunk][-1]
        for n in sizes[sample:sample + per_chunk]:
            places.append((offset, n))
            offset += n
        sample += per_chunk
    return places


def fragment_samples(data, moov, track):
    """(offset, size) of each sample in movie fragments, ISO/IEC 14496-12, 8.8."""
    defaults, places = {}, []
    mvex = find(data, *moov, b"mvex")
    for kind, b, _ in boxes(data, *mvex) if mvex else ():
        if kind == b"trex":
            defaults[u32s(data, b + 4, 1)[0]] = u32s(data, b + 16, 1)[0]
    for top, mb, me in boxes(data, 0, len(data)):
        if top != b"moof":
            continue
        base, end = mb - 8, mb - 8
        for kind, b, e in boxes(data, mb, me):
            if kind != b"traf":
                continue
            tb = find(data, b, e, b"tfhd")[0]
            flags, number = u32s(data, tb, 2)
            flags &= 0xFFFFFF
            size, pos, here = defaults.get(number, 0), tb + 8, base
            if flags & 1:
                here, pos = int.from_bytes(data[pos:pos + 8], "big"), pos + 8
            elif not flags & 0x20000:
                here = end  # the older rule: behind the data of the track fragment before
            pos += 4 * (bool(flags & 2) + bool(flags & 8))
            if flags & 0x10:
                size = u32s(data, pos, 1)[0]
            end = here
            for run, rb, _ in boxes(data, b, e):
                if run != b"trun":
                    continue
                rflags, count = u32s(data, rb, 2)
                rflags &= 0xFFFFFF
                pos = rb + 8
                if rflags & 1:
                    end, pos = here + struct.unpack(">i", data[pos:pos + 4])[0], pos + 4
                pos += 4 * bool(rflags & 4)
                for _ in range(count):
                    pos += 4 * bool(rflags & 0x100)
                    n = u32s(data, pos, 1)[0] if rflags & 0x200 else size
                    pos += 4 * (bool(rflags & 0x200) + bool(rflags & 0x400) + bool(rflags & 0x800))
                    if number == track:
                        places.append((end, n))
                    end += n
    return places
