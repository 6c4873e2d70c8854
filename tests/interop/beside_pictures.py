#!/usr/bin/env python3
"""What stands beside the pictures: altered it is found and named, carried along honestly it raises no alarm.

usage: beside_pictures.py --camvault PATH [--only TEXT] [--keep DIR]

Clips with sound are made, signed by `camvault sign` with a certificate that promises supplements, and edited and remuxed by
ffmpeg, which knows nothing of signatures. docs/formats/supplement-sei.md. Proves AX-4.1-1, AX-4.1-2.
"""
import argparse
import concurrent.futures
import os
import sys
import tempfile

import cameras

UUID = bytes.fromhex("5dd644f4f4574d2f8680fe9b3ea9a1a8")
AUTHENTIC, MISSING, NOT = "authentic", "authentic_with_missing_frames", "not_authentic"
RATE, SECONDS = 25, 8


def ffmpeg(*arguments):
    cameras.run(["ffmpeg", "-v", "error", "-y", *arguments])


class Scene:
    """A clip signed in MP4, with sound; `other` is another recording by the same camera."""

    def __init__(self, args, folder, factory, codec, b_frames):
        self.args, self.codec, self.folder = args, codec, folder
        self.root = factory.root
        self.name = "%s%s" % (codec, ", B pictures" if b_frames else "")
        self.base = os.path.join(folder, "%s_%d" % (codec, b_frames))
        self.clip, self.other = self.base + ".mp4", self.base + "_other.mp4"
        camera = factory.camera("camera-%s-%d" % (codec, b_frames), "p256", True)
        for path, tone, hours in ((self.clip, 440, 0), (self.other, 554, 2)):
            encoder = ["-c:v", "libx264", "-bf", str(b_frames), "-preset", "ultrafast"] if codec == "h264" else [
                "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=%d" % b_frames]
            ffmpeg("-f", "lavfi", "-i", "testsrc2=size=192x144:rate=%d:duration=%d" % (RATE, SECONDS), "-f", "lavfi",
                   "-i", "sine=frequency=%d:duration=%d" % (tone, SECONDS), *encoder, "-g", "25", "-pix_fmt", "yuv420p",
                   "-c:a", "aac", path + ".plain.mp4")
            cameras.sign(args.camvault, camera, path + ".plain.mp4", path, hours)

    def out(self, suffix):
        return "%s_%s" % (self.base, suffix)


CASES = []


def case(answers, note=None, without=()):
    """`answers`: verdicts that are right; `note`: a kind that has to be there; `without`: kinds that must not."""
    def add(function):
        CASES.append((function, answers if isinstance(answers, tuple) else (answers,), note, without))
        return function
    return add


ALTERED = ("parameter_sets_altered", "units_altered", "times_altered", "audio_altered", "audio_moved", "audio_missing",
           "audio_extra", "supplement_removed", "supplement_invalid", "not_covered_by_format", "parameter_sets_missing")


def flip_in_file(scene, name, where, source=None):
    """The clip with one bit turned over `where(data)` says."""
    with open(source or scene.clip, "rb") as f:
        data = bytearray(f.read())
    data[where(data)] ^= 0x04
    out = scene.out(name + os.path.splitext(source or scene.clip)[1])
    with open(out, "wb") as f:
        f.write(data)
    return out


# ---- nobody did anything
@case(AUTHENTIC, without=ALTERED)
def as_signed(s):
    return s.clip


@case(AUTHENTIC, without=ALTERED)
def matroska_and_back(s):
    """Matroska rounds times to a millisecond."""
    ffmpeg("-i", s.clip, "-map", "0", "-c", "copy", s.out("a.mkv"))
    ffmpeg("-i", s.out("a.mkv"), "-map", "0", "-c", "copy", s.out("back.mp4"))
    return s.out("back.mp4")


@case(AUTHENTIC, without=ALTERED)
def matroska(s):
    ffmpeg("-i", s.clip, "-map", "0", "-c", "copy", s.out("b.mkv"))
    return s.out("b.mkv")


@case(AUTHENTIC, without=ALTERED)
def fragmented(s):
    """Without delay_moov ffmpeg shows the first picture 23 ms longer, since it has no edit list: other times."""
    ffmpeg("-i", s.clip, "-map", "0", "-c", "copy", "-movflags", "frag_keyframe+delay_moov", s.out("f.mp4"))
    return s.out("f.mp4")


@case(AUTHENTIC, without=ALTERED)
def times_from_another_zero(s):
    ffmpeg("-i", s.clip, "-map", "0", "-c", "copy", "-output_ts_offset", "7.3", s.out("z.mkv"))
    return s.out("z.mkv")


@case(AUTHENTIC, without=ALTERED[:-1])
def transport_stream(s):
    ffmpeg("-i", s.clip, "-map", "0", "-c", "copy", s.out("t.ts"))
    return s.out("t.ts")


@case(AUTHENTIC, without=ALTERED[:5])
def raw_stream(s):
    ffmpeg("-i", s.clip, "-map", "0:v", "-c", "copy", s.out("r." + s.codec))
    return s.out("r." + s.codec)


@case(AUTHENTIC, note="audio_missing", without=ALTERED[:5])
def pictures_alone(s):
    """An export without sound takes nothing from the pictures; the report says that there was sound."""
    ffmpeg("-i", s.clip, "-map", "0:v", "-c", "copy", s.out("silent.mp4"))
    return s.out("silent.mp4")


@case((AUTHENTIC, MISSING), without=ALTERED[:5])
def cut_at_key_pictures(s):
    ffmpeg("-ss", "2", "-i", s.clip, "-t", "4", "-map", "0", "-c", "copy", s.out("cut.mp4"))
    return s.out("cut.mp4")


# ---- somebody did
@case(NOT, note="parameter_sets_altered")
def sps_of_the_header(s):
    box = b"avcC" if s.codec == "h264" else b"hvcC"

    def where(data):
        at = data.rindex(box) + 4  # what was written first lies unused in mdat
        if s.codec == "h264":
            return at + 8 + 6  # behind version, profile, lengths, count and the size of the first set
        return data.index(bytes([0x42, 0x01]), at) + 14
    return flip_in_file(s, "sps", where)


@case(NOT, note="parameter_sets_altered")
def pps_of_the_header(s):
    def where(data):
        if s.codec == "h265":
            return data.index(bytes([0x44, 0x01]), data.rindex(b"hvcC")) + 3
        at = data.rindex(b"avcC") + 4 + 6
        return at + 2 + int.from_bytes(data[at:at + 2], "big") + 3 + 2
    return flip_in_file(s, "pps", where)


@case(NOT, note="units_altered")
def message_of_the_encoder(s):
    """A letter of the text that the encoder put into an SEI; with H.265 into hvcC, in the header."""
    text = b"x264 - core" if s.codec == "h264" else b"x265 (build"
    return flip_in_file(s, "sei", lambda data: data.rindex(text) + 3)


@case(NOT, note="audio_altered")
def sound_of_another_recording(s):
    ffmpeg("-i", s.clip, "-i", s.other, "-map", "0:v", "-map", "1:a", "-c", "copy", s.out("sound.mp4"))
    return s.out("sound.mp4")


@case(NOT, note="audio_moved")
def sound_moved_against_the_pictures(s):
    ffmpeg("-i", s.clip, "-itsoffset", "1.5", "-i", s.clip, "-map", "0:v", "-map", "1:a", "-c", "copy", s.out("moved.mp4"))
    return s.out("moved.mp4")


@case(MISSING, note="audio_missing")
def sound_cut_out(s):
    """Three seconds of sound are gone where the pictures are still there."""
    ffmpeg("-i", s.clip, "-map", "0", "-c", "copy", "-bsf:a", "noise=drop=gt(n\\,86)*lt(n\\,215)", s.out("quiet.mp4"))
    return s.out("quiet.mp4")


@case(NOT, note="times_altered")
def pictures_shown_later(s):
    """From the second second on everything is shown 40 ms later."""
    ffmpeg("-i", s.clip, "-map", "0", "-c", "copy", "-bsf:v", "setts=ts=TS+if(gt(N\\,50)\\,0.04/TB\\,0)", s.out("late.mp4"))
    return s.out("late.mp4")


@case(NOT, note="times_altered")
def slow_motion(s):
    ffmpeg("-itsscale", "1.02", "-i", s.clip, "-map", "0:v", "-c", "copy", s.out("slow.mp4"))
    return s.out("slow.mp4")


@case(NOT, note="supplement_removed")
def supplements_stripped(s):
    ffmpeg("-i", s.clip, "-map", "0:v", "-c", "copy", s.out("all." + s.codec))
    with open(s.out("all." + s.codec), "rb") as f:
        data = f.read().replace(b"\0\0\0\1", b"\0\0\1")
    with open(s.out("stripped." + s.codec), "wb") as f:
        f.write(b"\0\0\1".join(u for u in data.split(b"\0\0\1") if UUID not in u))
    return s.out("stripped." + s.codec)


def check(scene, entry):
    function, answers, note, without = entry
    path = function(scene)
    code, report = cameras.verify(scene.args.camvault, path, ["--trust", scene.root])
    kinds = {n["kind"] for n in report["notes"]}
    if report["verdict"] not in answers:
        return "said %s (%s), right is %s; notes %s" % (report["verdict"], report["verdict_reason"], " or ".join(answers), sorted(kinds))
    if code != {AUTHENTIC: 0, MISSING: 2}.get(report["verdict"], 1):
        return "exit code %d with verdict %s" % (code, report["verdict"])
    if note and note not in kinds:
        return "no note %s, only %s" % (note, sorted(kinds))
    wrong = kinds & set(without) - {note}
    if wrong:
        return "false alarm: %s" % [n["text"] for n in report["notes"] if n["kind"] in wrong]
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    parser.add_argument("--only", help="only cases with this text in the name")
    parser.add_argument("--keep", help="folder to leave the clips in")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="camvault-beside-") as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        factory = cameras.Factory(folder)
        scenes = [Scene(args, folder, factory, codec, b) for codec in ("h264", "h265") for b in (0, 2)]
        jobs = [(s, c) for c in CASES for s in scenes if not args.only or args.only in c[0].__name__]

        def run(job):
            try:
                return check(*job)
            except (RuntimeError, ValueError) as e:
                return str(e)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(run, jobs))
    wrong = 0
    for (scene, entry), problem in zip(jobs, results):
        if problem:
            wrong += 1
            print("WRONG %s of %s: %s" % (entry[0].__name__, scene.name, problem))
    print("%d cases, %d answered wrongly" % (len(jobs), wrong))
    return 1 if wrong or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
