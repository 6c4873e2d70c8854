"""Reads the meta box of ONVIF's Export File Format (26.06) out of an MP4, from the specification alone.

    export_box.py FILE     prints what it found

Shares no line with our own reader: what both read alike is likely to be what the specification says.
"""
import datetime
import struct
import sys

CONTAINERS = {b"ipro": 6, b"sinf": 0, b"schi": 0, b"meta": 4}


def boxes(data, at, end):
    while at < end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise ValueError(f"box {kind} at {at} does not fit")
        yield kind, at + head, at + size
        at += size
    if at != end:
        raise ValueError("bytes behind the last box")


def tree(data, at, end):
    for kind, begin, stop in boxes(data, at, end):
        yield kind, begin, stop
        if kind in CONTAINERS:
            yield from tree(data, begin + CONTAINERS[kind], stop)


def strings(data, at, count):
    out = []
    for _ in range(count):
        end = data.index(b"\0", at)
        out.append(data[at:end].decode("utf-8"))
        at = end + 1
    return out, at


def moment(epoch, seconds, ticks=0):
    time = datetime.datetime(epoch, 1, 1) + datetime.timedelta(seconds=seconds, microseconds=ticks // 10)
    return time.isoformat() + "Z"


def read(data):
    found = {"starts": [], "seals": []}
    metas = [(begin, end) for kind, begin, end in boxes(data, 0, len(data)) if kind == b"meta"]
    if len(metas) != 1:
        raise ValueError(f"{len(metas)} meta boxes at file level")
    seal = {}
    for kind, begin, end in tree(data, metas[0][0] + 4, metas[0][1]):
        if kind == b"suep":
            if data[begin] != 1:
                raise ValueError("version of suep")
            (found["unit"], found["url"], found["mac"]), at = strings(data, begin + 4, 3)
            found["time"] = moment(1904, struct.unpack_from(">Q", data, at)[0])
            (found["operator"],), at = strings(data, at + 8, 1)
            count, at = struct.unpack_from(">I", data, at)[0], at + 4
            found["tracks"] = []
            for _ in range(count):
                track = struct.unpack_from(">H", data, at)[0]
                texts, at = strings(data, at + 2, 4)
                found["tracks"].append(dict(zip(("name", "url", "mac", "line"), texts), track=track))
            if at != end:
                raise ValueError("suep is longer than it says")
        elif kind == b"cstb":
            count = struct.unpack_from(">I", data, begin)[0]
            if begin + 4 + 12 * count != end:
                raise ValueError("cstb is longer than it says")
            for i in range(count):
                track, time = struct.unpack_from(">IQ", data, begin + 4 + 12 * i)
                found["starts"].append((track, moment(1601, time // 10_000_000, time % 10_000_000)))
        elif kind == b"ipro":
            if struct.unpack_from(">H", data, begin + 4)[0] != 1:
                raise ValueError("protection_count is not 1")
        elif kind == b"schm":
            if struct.unpack_from(">II", data, begin + 4) != (0x6F656666, 0x00010000):
                raise ValueError("scheme is not oeff version 1")
        elif kind == b"sibo":
            seal["offset"], seal["signature"] = begin, data[begin:end]
        elif kind == b"cert":
            seal["certificate"] = data[begin:end]
        elif kind == b"sigC":
            seal["algorithm"] = data[begin:end]
    if seal:
        found["seals"].append(seal)
    if "unit" not in found:
        raise ValueError("no suep box")
    return found


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        for name, value in read(file.read()).items():
            print(f"{name}: {value}")
