#!/usr/bin/env python3
"""A track of timed metadata beside signed pictures (ISO/IEC 14496-12, 12.3: handler 'meta', entry 'mett').

usage: timed_metadata.py --camvault PATH

`camvault sign` keeps such a track in MP4 and covers its samples by supplements; Matroska cannot hold it, which is said. A track that
somebody puts beside the pictures is listed, with the number of its samples, as not covered. ffmpeg writes no such track, so the file
is put together here. Proves AX-4.1-1, AX-4.1-2.
"""
import argparse
import os
import struct
import subprocess
import sys
import tempfile

import cameras
import clips
import media_units

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "edits"))
from mux import TICKS, TIMESCALE, box, full, movie, pack  # noqa: E402


def metadata_track(count, sizes, offset):
    duration = count * TICKS
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = box(b"mett", struct.pack(">6xH", 1), b"\0", b"text/plain\0")
    tables = (full(b"stsd", 0, struct.pack(">I", 1), entry), full(b"stts", 0, struct.pack(">III", 1, count, TICKS)),
              full(b"stsc", 0, struct.pack(">IIII", 1, 1, count, 1)),
              full(b"stsz", 0, struct.pack(">II", 0, count), *(struct.pack(">I", s) for s in sizes)),
              full(b"stco", 0, struct.pack(">II", 1, offset)))
    return box(b"trak", full(b"tkhd", 7, struct.pack(">IIIII8xHHHH", 0, 0, 2, 0, duration, 0, 0, 0, 0), matrix, bytes(8)),
               box(b"mdia", full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, TIMESCALE, duration, 0x55C4, 0)),
                   full(b"hdlr", 0, b"\0\0\0\0meta" + bytes(12) + b"metadata\0"),
                   box(b"minf", full(b"nmhd", 0), box(b"dinf", full(b"dref", 0, struct.pack(">I", 1), full(b"url ", 1))),
                       box(b"stbl", *tables))))


def write_with_metadata(path, track, texts):
    packed = [pack(track.codec, s) for s in track.samples]
    sizes = [len(p) for p in packed]
    ftyp, at = box(b"ftyp", b"isom\0\0\2\0isomiso2mp41"), 0
    for _ in range(2):  # first to learn the size of the moov box
        tables = (full(b"stts", 0, struct.pack(">III", 1, len(packed), TICKS)),
                  full(b"stsc", 0, struct.pack(">IIII", 1, 1, len(packed), 1)),
                  full(b"stsz", 0, struct.pack(">II", 0, len(packed)), *(struct.pack(">I", s) for s in sizes)),
                  full(b"stco", 0, struct.pack(">II", 1, at)))
        moov = movie(track.codec, track.config, len(packed), tables,
                     metadata_track(len(texts), [len(t) for t in texts], at + sum(sizes)))
        at = len(ftyp) + len(moov) + 8
    with open(path, "wb") as f:
        f.write(ftyp + moov + box(b"mdat", *packed, *texts))


class Failed(Exception):
    pass


def expect(truth, what, report):
    if not truth:
        raise Failed("%s: %s (%s), notes %s" % (what, report["verdict"], report["verdict_reason"],
                                                [n["kind"] for n in report["notes"]]))


def kinds(report):
    return {n["kind"] for n in report["notes"]}


def metadata_of(report):
    return [t for t in report["supplement"]["tracks"] if t["kind"] == "metadata"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="camvault-metadata-") as folder:
        path = lambda name: os.path.join(folder, name)
        factory = cameras.Factory(folder)
        camera = factory.camera("camera", "p256", True)
        verify = lambda clip: cameras.verify(args.camvault, clip, ["--trust", factory.root])[1]
        clips.make(path("plain.mp4"), frames=60)
        texts = [b"alarm input %04d closed\n" % i for i in range(60)]
        write_with_metadata(path("source.mp4"), media_units.read_track(path("plain.mp4")), texts)
        def sign(source, out):
            return subprocess.run([args.camvault, "sign", path(source), path(out), "--key-file", camera[0], "--chain", camera[1]],
                                  capture_output=True, text=True, stdin=subprocess.DEVNULL)

        done = sign("source.mp4", "signed.mp4")
        if done.returncode != 0 or "left out" in done.stderr:
            raise Failed("signing: exit code %d, %s" % (done.returncode, done.stderr))
        report = verify(path("signed.mp4"))
        track, = metadata_of(report)
        expect(report["verdict"] == "authentic" and (track["samples"], track["authentic"]) == (60, 60), "covered", report)
        with open(path("signed.mp4"), "rb") as f:
            clip = f.read()
        if clip.count(texts[31]) != 1:
            raise Failed("the samples are not in the signed clip as they were")
        with open(path("altered.mp4"), "wb") as f:
            f.write(clip.replace(texts[31], texts[31].replace(b"closed", b"opened")))
        report = verify(path("altered.mp4"))
        expect(report["verdict"] == "not_authentic" and "metadata_altered" in kinds(report), "one sample altered", report)
        done = sign("source.mp4", "signed.mkv")
        if done.returncode != 0 or "left out: metadata (mett)" not in done.stderr:
            raise Failed("signing into Matroska: exit code %d, %s" % (done.returncode, done.stderr))
        report = verify(path("signed.mkv"))
        expect(report["verdict"] == "authentic" and not metadata_of(report), "the track was left out", report)
        done = sign("plain.mp4", "signed.mp4")
        if done.returncode != 0:
            raise Failed("signing: exit code %d, %s" % (done.returncode, done.stderr))

        write_with_metadata(path("beside.mp4"), media_units.read_track(path("signed.mp4")), texts)
        report = verify(path("beside.mp4"))
        expect(report["verdict"] == "authentic" and "not_covered_by_format" in kinds(report), "beside signed pictures", report)
        track, = metadata_of(report)
        expect((track["samples"], track["authentic"], track["not_covered"]) == (60, 0, 60), "counted as not covered", report)
        listed, = (c for c in report["coverage"] if c["what"] == "metadata")
        expect((listed["count"], listed["covered"], listed["complete"]) == (60, 0, False), "listed as not covered", report)
        print("timed metadata: covered where it was signed, listed as not covered where it was not")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as e:
        print("WRONG " + str(e))
        sys.exit(1)
