#!/usr/bin/env python3
"""Edits signed clips at random and asks `camvault verify` about each; also about clips nobody touched.

usage: run_edits.py --camvault PATH [--many PATH] [--count N] [--untouched M] [--seed S] [--only KIND] [--base NAME] [--edit N]
                    [--keep DIR] [--vectors DIR] [--quick] [--second-opinion SHARE]

Prints a table by kind of edit and fails on any verdict outside what the edit allows, any frame named wrongly, and any
false alarm. The expectation of each edit is derived from the edit (expect.py), never from a verifier. With the same
seed the same edits are made; keys, times and signatures are new in each run. --many: verify_many, which asks about thousands of
clips in one process; without it, and for one clip in fifty, the program itself is started. --edit repeats one of them, --keep
leaves what was judged wrongly.
"""
import argparse
import collections
import concurrent.futures
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import cameras  # noqa: E402
import more_edits  # noqa: E402
import mux  # noqa: E402
import mux_foreign  # noqa: E402, F401  (adds its writers)
import signer_edits  # noqa: E402, F401  (adds its edits)
from bases import BASES, QUICK, STILL, make_scenes, vector_scenes  # noqa: E402
from cryptography import x509  # noqa: E402
from edits import EDITS, NotHere, gop_starts  # noqa: E402
from expect import AUTHENTIC, MISSING, expect  # noqa: E402
from signed_clip import CHECKS, access_units, sample_times  # noqa: E402

WRONG_KINDS = ("altered", "missing", "extra", "out_of_place")
NEEDS_ANOTHER = ("forge_gop", "replace_picture", "insert_foreign_slice", "insert_foreign_sei", "splice", "splice_before", "replace_seis",
                 "sign_again", "sign_part_again", "insert_foreign_supplement", "replace_supplements")
CONTAINERS = {"h264": ("mp4", "fmp4", "annexb", "units", "mkv", "ts"), "av1": ("mp4", "fmp4", "obu", "ivf", "units", "mkv")}
HEADERLESS = ("annexb", "units", "ts")


def write(rng, path, clip, items):
    """Any container that keeps the bytes; byte streams cannot hold every damaged unit. Returns (path, kind)."""
    kinds = list(CONTAINERS.get(clip.codec, CONTAINERS["h264"]))
    config = getattr(items, "config", None)
    if not all(mux.fits_annex_b(it.data.rstrip(b"\0") if it.intact else it.data) for it in items):
        kinds = [k for k in kinds if k not in ("annexb", "ts")]
    if sum(it.vcl for it in items) < 12:
        kinds = [k for k in kinds if k != "ts"]  # a transport stream of a few packets is not recognised as one
    if config is not None:
        kinds = [k for k in kinds if k not in HEADERLESS]
    kind = rng.choice(kinds)
    samples = access_units(items)
    units, times = [[it.data for it in s] for s in samples], sample_times(samples)
    if kind in HEADERLESS and clip.codec != "av1" and rng.random() < 0.5 and not any(it.set for it in clip.items):
        units[0] = clip.header_sets() + units[0]  # as a converter does it
    path += "." + {"annexb": clip.codec, "fmp4": "mp4"}.get(kind, kind)
    mux.WRITERS[kind](path, clip.codec, units, times, clip.config if config is None else config)
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


def strayed(items):
    """Whether a picture stands before an SEI that does not speak about it, and its IDR or its own SEI is lost: it then looks
    like one of the pictures before it, in the place of one that is lost."""
    idrs, front = {it.gop for it in items if it.gop_start}, []
    runs = [it.source.sei for it in items if it.general and it.source.sei]
    for it in items:
        if it.vcl and (it.gop not in idrs or not any(s.begin <= it.source.hashable < s.end for s in runs)):
            front.append(it.source.hashable)
        elif it.general and it.source.sei and any(h >= it.source.sei.end for h in front):
            return True
    return False


Judged = collections.namedtuple("Judged", "kind wrong frame named text touched seconds")


class Run:
    """One in each process, with scenes that all of them share."""

    def __init__(self, args, folder, scenes):
        self.args, self.folder, self.all_scenes = args, folder, scenes
        self.scenes = [s for s in scenes if s.name not in STILL]
        self.failures, self.many = [], None

    # ---- the verifier
    def options(self, scene, path, by_letter):
        values = [scene.root, scene.signer, scene.at or ""]
        values += [scene.clip.codec, "units"] if path.endswith(".units") else ["", ""]
        if by_letter:
            return "\t".join([path] + values) + "\n"
        names = ("--trust", "--signer", "--at", "--codec", "--format")
        return [x for name, value in zip(names, values) if value for x in (name, value)]

    def ask(self, scene, path, number):
        """Returns (report, seconds)."""
        began = time.monotonic()
        try:
            if self.args.many and number % 50:
                code, report = self.ask_many(self.options(scene, path, True))
            else:
                code, report = cameras.verify(self.args.camvault, path, self.options(scene, path, False))
        except (RuntimeError, ValueError, OSError, subprocess.TimeoutExpired) as e:
            return {"verdict": "no verdict", "verdict_reason": str(e), "provenance": "", "provenance_reason": "",
                    "frames": {"not_authentic": [], "count": 0, "authentic": 0}}, time.monotonic() - began
        if code != {AUTHENTIC: 0, MISSING: 2}.get(report["verdict"], 1) and not (code == 1 and report["provenance"] != "trusted"):
            self.failures.append("%s: exit code %d with verdict %s" % (path, code, report["verdict"]))
        return report, time.monotonic() - began

    def ask_many(self, question):
        if self.many is None:
            self.many = subprocess.Popen([self.args.many], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.many.stdin.write(question)
            self.many.stdin.flush()
            line = self.many.stdout.readline()
        except OSError:
            line = ""
        if not line:
            code, self.many = self.many.wait(), None
            raise RuntimeError("verify_many ended with code %d" % code)
        answer = json.loads(line)
        if "report" not in answer:
            raise RuntimeError("unreadable: %s" % answer.get("error"))
        return answer["exit_code"], answer["report"]

    # ---- one edit
    def make(self, number):
        """Everything random comes from the seed and the number."""
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
                return rng, scene, kind, items, what

    def edit(self, number):
        rng, scene, kind, items, what = self.make(number)
        path, container = write(rng, os.path.join(self.folder, "edit_%d" % number), scene.clip, items)
        expected = expect(scene.clip, items, container)
        report, seconds = self.ask(scene, path, number)
        wrong = report["verdict"] not in expected.verdicts
        frame = None if wrong else judge_frames(expected, report, sum(it.first for it in items))
        if not wrong and not frame and kind in more_edits.LOST and not scene.clip.low_bitrate and not strayed(items):
            altered = sorted(f["index"] for f in report["frames"]["not_authentic"] if f["kind"] == "altered")
            frame = "calls %s altered, but units were only lost" % altered[:8] if altered else None
        text = "edit %d: %s of [%s], %s, as %s: " % (number, kind, scene.name, what, container)
        if wrong:
            text += "said %s (%s), right is %s" % (report["verdict"], report["verdict_reason"], expected)
        elif frame:
            text += frame
        if rng.random() < self.args.second_opinion:
            self.second_opinion(scene, items, expected, text)
        if not (wrong or frame) or not self.args.keep:
            os.unlink(path)
        else:
            text += " -> " + path + " --signer " + scene.signer
        return Judged(kind, wrong, frame is not None, bool(expected.must), text, expected.touched, seconds)

    def second_opinion(self, scene, items, expected, text):
        """The independent checker knows yes and no about slices and SEIs; it has to agree with the expectation too."""
        signer = None
        if scene.signer:
            with open(scene.signer, "rb") as f:
                signer = x509.load_pem_x509_certificate(f.read())
        verdict = CHECKS[scene.form].Check(scene.clip.codec, [it.data for it in items], signer).run()
        if verdict != AUTHENTIC and expected.verdicts == {AUTHENTIC} or \
                verdict == AUTHENTIC and AUTHENTIC not in expected.verdicts and len(expected.verdicts) == 1 and not scene.clip.supplements:
            self.failures.append("second opinion: %s: %s, expected %s" % (text, verdict, expected))

    # ---- nothing was done
    def cut(self, rng, clip):
        """(items, what): whole, or between GOP borders; with or without what no signature needs."""
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
        if rng.random() < 0.2:  # without some delimiters and parameter sets; messages of others all or none
            notes = rng.random() < 0.5
            items = [it for it in items if it.hashed or it.parsed or it.supplement or
                     (rng.random() < 0.5 if it.set or it.delimiter else notes)]
            what += ", thinned"
        if rng.random() < 0.3:
            by, noise = rng.randrange(-10**6, 10**6), 80
            times = {}
            for it in items:
                it.time = times.setdefault(it.time, it.time + by + rng.randint(-noise, noise))
            what += ", times rounded"
        return items, what

    def untouched(self, number):
        """A clip as it was signed: another container, cut at GOP borders, rounded times, copied by ffmpeg."""
        rng = random.Random("%s untouched %d" % (self.args.seed, number))
        scene = rng.choice(self.all_scenes)
        clip = rng.choice([scene.clip, scene.again])
        items, what = self.cut(rng, clip)
        path, container = write(rng, os.path.join(self.folder, "untouched_%d" % number), clip, items)
        remuxed, steps = None, ""
        if "thinned" not in what and rng.random() < self.args.remux:
            remuxed, steps = self.remux(rng, clip, path, container, number)
        report, seconds = self.ask(scene, remuxed or path, number)
        alarm = report["verdict"] != AUTHENTIC or report["provenance"] != "trusted" or named_frames(report)
        text = "untouched %d: %s of [%s], as %s%s: said %s (%s), %s (%s), named %s" % (
            number, what, clip.name, container, steps, report["verdict"], report["verdict_reason"], report["provenance"],
            report["provenance_reason"], sorted(named_frames(report))[:5])
        if alarm and self.args.keep:
            text += " -> " + (remuxed or path) + " --signer " + scene.signer
        for f in (path, remuxed):
            if f and not (alarm and self.args.keep) and os.path.exists(f):
                os.unlink(f)
        return bool(alarm), bool(remuxed), text, seconds

    def remux(self, rng, clip, path, container, number):
        """ffmpeg's copy in another container; SEIs without emulation prevention do not survive byte streams there."""
        if container in ("units", "obu") or (container == "annexb" and clip.supplements):
            # A raw stream has no times; those that ffmpeg makes up are not the camera's. Of raw OBUs it drops the messages.
            return None, ""
        plain = "no emulation prevention" in clip.name
        targets = ["mp4", "mkv"] + ([] if plain or clip.codec == "av1" else ["ts", clip.codec])
        if plain and container in ("annexb", "ts"):
            return None, ""
        target = os.path.join(self.folder, "remuxed_%d.%s" % (number, rng.choice(targets)))
        done = subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-c", "copy", target], capture_output=True,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0 or not os.path.exists(target) or os.path.getsize(target) == 0:
            return None, ""
        return target, ", then ffmpeg to " + target.rsplit(".")[-1]


RUN = None  # of this process


def do(job):
    """A job is ("edit" or "untouched", number)."""
    RUN.failures = []
    result = getattr(RUN, job[0])(job[1])
    return result, RUN.failures


def many_jobs(jobs):
    """Answers in order; the processes are forks, so that all have the scenes."""
    if len(jobs) < 3:
        yield from map(do, jobs)
        return
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
        yield from pool.map(do, jobs, chunksize=max(1, min(50, len(jobs) // 8)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    parser.add_argument("--many", help="verify_many of this folder")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--untouched", type=int, default=40)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", action="append", choices=sorted(EDITS), help="only this kind of edit (repeatable)")
    parser.add_argument("--base", action="append", choices=sorted({**BASES, **STILL}), help="only this clip (repeatable)")
    parser.add_argument("--edit", type=int, action="append", help="only the edit of this number, and say all about it (repeatable)")
    parser.add_argument("--keep", help="folder for clips and for the edited clips that were judged wrongly")
    parser.add_argument("--vectors", help="edit the clips of the reference implementations in this folder instead of our own")
    parser.add_argument("--quick", action="store_true", help="a few clips instead of all")
    parser.add_argument("--remux", type=float, default=0.3, help="share of untouched clips that ffmpeg copies once more")
    parser.add_argument("--second-opinion", type=float, default=0, metavar="SHARE", help="ask the checkers of tests/interop, too")
    return parser.parse_args()


def main():
    global RUN
    args = arguments()
    if args.vectors and not os.path.isdir(args.vectors):
        print("SKIPPED 1: the vectors are not at %s" % args.vectors)
        return 77
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="camvault-edits-") as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        names = args.base or (QUICK if args.quick else [*BASES, *STILL])
        scenes = vector_scenes(args.vectors, folder) if args.vectors else make_scenes(names, folder, args.camvault)
        RUN = Run(args, folder, scenes)
        print("%d base clips after %.1f s, seed %s" % (len(scenes), time.monotonic() - began, args.seed), flush=True)
        table, wrong, alarms, failures, seconds, touched, remuxed = collections.Counter(), [], [], [], 0.0, 0, 0
        for one, failed in many_jobs([("edit", n) for n in args.edit or range(args.count)]):
            for column, value in (("count", 1), ("verdict", one.wrong), ("frame", one.frame), ("named", one.named)):
                table[one.kind, column] += value
            touched, seconds = touched + one.touched, seconds + one.seconds
            failures += failed
            if one.wrong or one.frame:
                wrong.append(one.text)
            elif args.edit:
                print(one.text + "as expected")
        untouched = 0 if args.edit or args.vectors else args.untouched
        for (alarm, again, text, took), failed in many_jobs([("untouched", n) for n in range(untouched)]):
            alarms += [text] if alarm else []
            remuxed, seconds = remuxed + again, seconds + took
            failures += failed
    show(table, touched)
    print("%d untouched clips (%d copied by ffmpeg once more), %d false alarms; %.1f s, %.1f s of it in verifiers" % (
        untouched, remuxed, len(alarms), time.monotonic() - began, seconds))
    for text in wrong + alarms + failures:
        print("WRONG " + text)
    return 1 if wrong or alarms or failures else 0


def show(table, touched):
    columns = ("count", "verdict", "named", "frame")
    print("%-28s %6s %14s %12s %12s" % ("edit", "count", "wrong verdict", "to be named", "wrong frame"))
    for kind in sorted(EDITS):
        if table[kind, "count"]:
            print("%-28s %6d %14d %12d %12d" % (kind, *(table[kind, c] for c in columns)))
    print("%-28s %6d %14d %12d %12d   (a covered unit touched: %d)" % (
        "all", *(sum(v for (_, c), v in table.items() if c == column) for column in columns), touched))


if __name__ == "__main__":
    sys.exit(main())
