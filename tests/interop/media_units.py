"""Units (NAL units without start code or length) of H.264 and H.265 clips: MP4, fragmented MP4, Annex B and `.units`.

Test code, independent of the C++ readers on purpose. Written from ISO/IEC 14496-12, 14496-15 and annex B of ITU-T
H.264 and H.265. `.units` (also `.rec`): each unit behind its length as 4 bytes, big endian.
"""
import struct


def read_clip(path, codec=None):
    """Returns (codec, samples): codec 'h264' or 'h265', samples = list of lists of units (bytes).

    Raw streams have no samples; they come as one list."""
    with open(path, "rb") as f:
        data = f.read()
    if data[4:8] in (b"ftyp", b"styp", b"moov"):
        return read_mp4(data)
    if str(path).endswith((".units", ".rec")):
        units = read_lengths(data)
    else:
        units = read_annex_b(data)
    return codec or guess_codec(units), [units]


def read_units(path, codec=None):
    codec, samples = read_clip(path, codec)
    return codec, [u for sample in samples for u in sample]


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
        if entry in (b"avc1", b"avc3"):
            codec, size = "h264", (data[find(data, eb + 78, ee, b"avcC")[0] + 4] & 3) + 1
        elif entry in (b"hvc1", b"hev1"):
            codec, size = "h265", (data[find(data, eb + 78, ee, b"hvcC")[0] + 21] & 3) + 1
        else:
            continue
        places = stbl_samples(data, stbl) + fragment_samples(data, moov, track)
        return codec, [read_lengths(data[o:o + n], size) for o, n in places]
    raise ValueError("no H.264 or H.265 track")


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
