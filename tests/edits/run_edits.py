#!/usr/bin/env python3
"""Edits signed clips at random and asks `camvault verify` about each; also about clips nobody touched.

usage: run_edits.py --camvault PATH [--count N] [--untouched M] [--seed S] [--only KIND] [--edit N] [--keep DIR]
                    [--vectors DIR] [--second-opinion]

Prints a table by kind of edit and fails on any verdict outside what the edit allows, any frame named wrongly, and any
false alarm. The expectation of each edit is derived from the edit (expect.py), never from a verifier. With the same
seed the same edits are made; keys, times and signatures are new in each run. --edit repeats one of them, --keep leaves what was judged wrongly.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import cameras  # noqa: E402
import clips  # noqa: E402
import mux  # noqa: E402
import onvif_check  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from edits import EDITS, NotHere, gop_starts  # noqa: E402
from expect import AUTHENTIC, expect  # noqa: E402
from signed_clip import SignedClip, into_samples  # noqa: E402

# name: (how the clip is encoded, how it is signed)
BASES = {
    "h264": (dict(), []),
    "h264 3 slices, B, AUD": (dict(slices=3, b_frames=2, aud=True), []),
    "h264 low bitrate": (dict(), ["--low-bitrate"]),
    "h264 parts of 4": (dict(), ["--max-partial-units", "4", "--certificate-in-every-sei"]),
    "h264 interval 3": (dict(frames=100), ["--signing-interval", "3"]),
    "h264 one GOP, parts of 30": (dict(frames=100, gop=100, slices=2), ["--max-partial-units", "30"]),
    "h264 repeated SEIs": (dict(), ["--repeat-seis"]),
    "h265": (dict(codec="h265"), []),
    "h265 2 slices, B, RSA": (dict(codec="h265", slices=2, b_frames=2), ["--certificate-in-every-sei"]),
    "h265 open GOP, layers, P-384": (dict(codec="h265", b_frames=3, open_gop=True, layers=True), ["--hash", "sha384"]),
    "h265 low bitrate, parts": (dict(codec="h265"), ["--low-bitrate", "--max-partial-units", "5"]),
}
# Nothing moves, so that slices and whole GOPs are equal bit by bit: units in the wrong place cannot be told apart, but a
# clip nobody touched has to be authentic all the same.
STILL = {
    "h264 still, 4 slices": (dict(slices=4, still=True), []),
    "h264 still, interval 3": (dict(still=True, b_frames=2), ["--signing-interval", "3"]),
    "h265 still, 2 slices, parts": (dict(codec="h265", slices=2, still=True), ["--max-partial-units", "8"]),
}
KEY_OF = {"RSA": "rsa2048", "P-384": "p384"}
WRONG_KINDS = ("altered", "missing", "extra", "out_of_place")


class Scene:
    """One signed clip, another recording of the same camera, and the same pictures signed by another camera."""

    def __init__(self, name, folder, camvault, factory, stranger):
        how, options = {**BASES, **STILL}[name]
        self.name = name
        kind = next((v for k, v in KEY_OF.items() if k in name), "p256")
        self.signer = factory.path("camera-%s.pem" % kind)
        key = (factory.path("camera-%s.key" % kind), factory.path("camera-%s.chain.pem" % kind))
        base = os.path.join(folder, "".join(c if c.isalnum() else "_" for c in name))
        suffix = "." + how.get("codec", "h264")
        clips.make(base + "_1" + suffix, **how)
        clips.make(base + "_2" + suffix, offset=7, **how)
        for field, number, who, hours in (("clip", 1, key, 0), ("again", 2, key, 2), ("other", 1, stranger, 0)):
            target = "%s_%s%s" % (base, field, suffix)
            # The edits and their rules (expect.py) are about Media Signing: what is not a picture or an SEI of it is free.
            cameras.sign(camvault, who, "%s_%d%s" % (base, number, suffix), target, hours, [*options, "--no-supplement"])
            setattr(self, field, SignedClip("%s (%s)" % (name, field), target))


# Clips signed by ONVIF's reference implementation, whose SEIs stand elsewhere and carry no emulation prevention.
VECTORS = ("h264_p256", "h264_p256_cert", "h264_p256_epb", "h264_p256_low", "h264_p256_part4", "h264_p256_freq3", "h264_p256_sha512",
           "h264_p384", "h264_rsa2048", "h264_b3sl_p256", "h265_p256", "h265_rsa2048_low")
NEEDS_ANOTHER = ("forge_gop", "replace_picture", "insert_foreign_slice", "insert_foreign_sei", "splice", "splice_before", "replace_seis", "sign_again", "sign_part_again")


class VectorScene:
    """A clip of the vectors; there is no other recording of that camera, and no key to make one."""

    def __init__(self, folder, name, work):
        self.name, self.clip = name, SignedClip(name, os.path.join(folder, name + ".mp4"))
        self.signer = os.path.join(work, name + ".signer.pem")
        with open(self.signer, "wb") as f:
            f.write(self.clip.check.chain[0].public_bytes(serialization.Encoding.PEM))


def write(rng, path, codec, items):
    """Any container that keeps the bytes; Annex B cannot hold every damaged unit."""
    kinds = ["mp4", "fmp4"]
    if all(mux.fits_annex_b(it.data.rstrip(b"\0") if it.intact else it.data) for it in items):
        kinds.append("annexb")
    kind = rng.choice(kinds)
    path += "." + codec if kind == "annexb" else ".mp4"
    mux.WRITERS[kind](path, codec, into_samples(items))
    return path, kind


def named_frames(report):
    return {f["index"] for f in report["frames"]["not_authentic"] if f["kind"] in WRONG_KINDS}


def judge_frames(expected, report, pictures):
    frames = report["frames"]
    if frames["count"] == pictures and frames["authentic"] > pictures - expected.unproved and \
            len(named_frames(report)) < expected.unproved:
        return "counts %d of %d pictures as authentic, but %d hold what nobody signed there" % (
            frames["authentic"], pictures, expected.unproved)
    if expected.must and report["verdict"] != AUTHENTIC:
        named = named_frames(report)
        for one in expected.must:
            if not named & one:
                return "named %s, none of %s" % (sorted(named)[:8], sorted(one)[:8])
        if expected.may is not None and not named <= expected.may:
            return "named %s, only %s can be wrong" % (sorted(named)[:12], sorted(expected.may)[:12])
    return None


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        factory = cameras.Factory(folder)
        for kind in ["p256", *KEY_OF.values()]:
            factory.camera("camera-" + kind, kind)
        self.factory, stranger = factory, factory.camera("stranger")
        names = [] if args.vectors else [*BASES, *STILL]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            scenes = list(pool.map(lambda name: Scene(name, folder, args.camvault, factory, stranger), names))
        self.scenes, self.all_scenes = scenes[:len(BASES)], scenes
        if args.vectors:
            self.scenes = [VectorScene(args.vectors, name, folder) for name in VECTORS]
        self.failures = []

    def ask(self, scene, path):
        options = ["--signer", scene.signer, "--trust", self.factory.root]
        if isinstance(scene, VectorScene):  # its certificates begin after the recording (README of the vectors)
            options = ["--signer", scene.signer, "--trust", os.path.join(self.args.vectors, "ca.pem"), "--at", "2027-01-01T00:00:00Z"]
        try:
            code, report = cameras.verify(self.args.camvault, path, options)
        except (RuntimeError, ValueError, subprocess.TimeoutExpired) as e:
            return {"verdict": "no verdict", "verdict_reason": str(e), "provenance": "", "provenance_reason": "",
                    "frames": {"not_authentic": []}}
        if code != {AUTHENTIC: 0, "authentic_with_missing_frames": 2}.get(report["verdict"], 1) and not (
                code == 1 and report["provenance"] != "trusted"):
            self.failures.append("%s: exit code %d with verdict %s" % (path, code, report["verdict"]))
        return report

    def edit(self, number):
        """One edit; everything random comes from the seed and the number. Returns (kind, wrong verdict, wrong frame, text)."""
        rng = random.Random("%s edit %d" % (self.args.seed, number))
        while True:
            scene = rng.choice(self.scenes)
            kind = rng.choice(self.args.only or sorted(EDITS))
            if kind in NEEDS_ANOTHER and not hasattr(scene, "again"):
                continue
            try:
                items, what = EDITS[kind](rng, scene)
            except NotHere:
                continue
            if any(it.vcl for it in items):
                break
        path, container = write(rng, os.path.join(self.folder, "edit_%d" % number), scene.clip.codec, items)
        expected = expect(scene.clip, items)
        report = self.ask(scene, path)
        wrong = report["verdict"] not in expected.verdicts
        frame = None if wrong else judge_frames(expected, report, sum(it.first for it in items))
        text = "edit %d: %s of [%s], %s, as %s: " % (number, kind, scene.name, what, container)
        if wrong:
            text += "said %s (%s), right is %s" % (report["verdict"], report["verdict_reason"], expected)
        elif frame:
            text += frame
        if self.args.second_opinion:
            self.second_opinion(scene, items, expected, text)
        if not (wrong or frame) or not self.args.keep:
            os.unlink(path)
        else:
            text += " -> " + path
        return kind, wrong, frame is not None, text, expected.touched

    def second_opinion(self, scene, items, expected, text):
        """The independent checker knows yes and no; it has to agree with the expectation too."""
        with open(scene.signer, "rb") as f:
            signer = x509.load_pem_x509_certificate(f.read())
        verdict = onvif_check.Check(scene.clip.codec, [it.data for it in items], signer).run()
        if (verdict == AUTHENTIC) != (AUTHENTIC in expected.verdicts) and len(expected.verdicts) == 1:
            self.failures.append("second opinion: %s: %s, expected %s" % (text, verdict, expected))

    def untouched(self, number):
        """A clip as it was signed: another container, cut at GOP borders, delimiters and parameter sets left out."""
        rng = random.Random("%s untouched %d" % (self.args.seed, number))
        scene = rng.choice(self.all_scenes)
        clip = rng.choice([scene.clip, scene.again])
        items, what = [it.derived() for it in clip.items], "whole"
        borders = gop_starts(items)
        if rng.random() < 0.6 and len(borders) > 3:
            a = rng.randrange(0, len(borders) - 2)
            b = rng.randrange(a + 2, len(borders) + 1)
            stop = borders[b] if b < len(borders) else len(items)
            head = [it for it in items[:borders[a]] if it.certificate] if rng.random() < 0.7 else []
            items, what = head + items[borders[a]:stop], "GOPs %d to %d" % (a, b - 1)
        if not any(it.general and it.signed and any(x.hashable is not None and x.hashable in range(it.sei.begin, it.sei.end)
                                                    for x in items) for it in items):
            items, what = [it.derived() for it in clip.items], "whole"
        thin = rng.random() < 0.2  # without some parameter sets, delimiters, foreign SEIs
        if thin:
            items = [it for it in items if it.hashed or it.parsed or rng.random() < 0.5]
        path, container = write(rng, os.path.join(self.folder, "untouched_%d" % number), clip.codec, items)
        remuxed = None
        if not thin and rng.random() < 0.4:
            remuxed = os.path.join(self.folder, "remuxed_%d.%s" % (number, rng.choice(["mp4", clip.codec])))
            done = subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-c", "copy", remuxed], capture_output=True, stdin=subprocess.DEVNULL)
            remuxed = remuxed if done.returncode == 0 else None
        report = self.ask(scene, remuxed or path)
        alarm = report["verdict"] != AUTHENTIC or report["provenance"] != "trusted" or named_frames(report)
        text = "untouched %d: %s of [%s], as %s%s: said %s (%s), %s (%s), named %s" % (
            number, what, clip.name, container, ", then ffmpeg to " + remuxed.rsplit(".")[-1] if remuxed else "", report["verdict"],
            report["verdict_reason"], report["provenance"], report["provenance_reason"], sorted(named_frames(report))[:5])
        for f in (path, remuxed):
            if f and not (alarm and self.args.keep) and os.path.exists(f):
                os.unlink(f)
        return bool(alarm), text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--untouched", type=int, default=40)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", action="append", choices=sorted(EDITS), help="only this kind of edit (repeatable)")
    parser.add_argument("--edit", type=int, action="append", help="only the edit of this number, and say all about it (repeatable)")
    parser.add_argument("--keep", help="folder for clips and for the edited clips that were judged wrongly")
    parser.add_argument("--vectors", help="edit the clips of ONVIF's reference in this folder instead of our own")
    parser.add_argument("--second-opinion", action="store_true", help="ask tests/interop/onvif_check.py too")
    args = parser.parse_args()
    if args.vectors and not os.path.isdir(args.vectors):
        print("SKIPPED 1: the vectors are not at %s" % args.vectors)
        return 77
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="camvault-edits-") as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        run = Run(args, folder)
        print("%d base clips signed in %.1f s, seed %s" % (3 * len(run.all_scenes), time.monotonic() - began, args.seed), flush=True)
        table, lines, alarms, touched = collections.Counter(), [], [], 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for kind, wrong, frame, text, covered in pool.map(run.edit, args.edit or range(args.count)):
                table[kind, "count"] += 1
                table[kind, "verdict"] += wrong
                table[kind, "frame"] += frame
                touched += covered
                if wrong or frame:
                    lines.append(text)
                elif args.edit:
                    print(text + "as expected")
            for alarm, text in pool.map(run.untouched, range(0 if args.edit or args.vectors else args.untouched)):
                if alarm:
                    alarms.append(text)
    print("%-24s %6s %14s %12s" % ("edit", "count", "wrong verdict", "wrong frame"))
    for kind in sorted(EDITS):
        if table[kind, "count"]:
            print("%-24s %6d %14d %12d" % (kind, table[kind, "count"], table[kind, "verdict"], table[kind, "frame"]))
    sums = [sum(v for (_, c), v in table.items() if c == column) for column in ("count", "verdict", "frame")]
    print("%-24s %6d %14d %12d   (a covered unit touched: %d)" % ("all", *sums, touched))
    print("%d untouched clips, %d false alarms; %.1f s" % (0 if args.edit or args.vectors else args.untouched, len(alarms), time.monotonic() - began))
    for text in lines + alarms + run.failures:
        print("WRONG " + text)
    return 1 if lines or alarms or run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
