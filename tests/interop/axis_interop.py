#!/usr/bin/env python3
"""Clips signed by `camvault sign` in the form of Axis Signed Video, looked at by Axis' validator and by our own.

usage: axis_interop.py --camvault PATH [--validator PATH] [--only TEXT]

Each clip, and a copy of it with one bit changed, is handed to `camvault verify` and to axis_check.py; with a validator also to that, as units
behind lengths of four bytes: PATH -c h264|h265|av1 FILE.units (exit code 0: authentic, 2: with missing units, 1: not).
Without one (--validator "" and no CAMVAULT_AXIS_VALIDATOR) that half is a counted skip. Proves AX-4.1-1, AX-4.1-2.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile

import axis_check
import cameras
import clips
from media_units import read_clip, write_units

REPEATS = "the framework takes a repeated message for an attack"
RSA_HASH = "the framework verifies RSA with SHA-256 only"


def case(name, codec, key="p256", options=(), target=None, not_for_axis=None, **clip):
    return dict(name=codec + " " + name, codec=codec, key=key, options=list(options), target=target, skip=not_for_axis, clip=clip)


def cases():
    for codec in ("h264", "h265", "av1"):
        yield case("MP4", codec)
        yield case("low bitrate", codec, options=["--low-bitrate"])
        yield case("parts of GOPs", codec, gop=20, options=["--max-partial-units", "7"])
        yield case("every third GOP signed", codec, options=["--signing-interval", "3"])
        yield case("keys at the start only", codec, options=["--certificate-at-start-only"])
        yield case("no golden message", codec, options=["--no-certificate-sei"])
        yield case("SHA-512", codec, options=["--hash", "sha512"])
        yield case("RSA-2048", codec, key="rsa2048")
        yield case("RSA-3072, SHA-384", codec, key="rsa3072", options=["--hash", "sha384"], not_for_axis=RSA_HASH)
        yield case("P-384", codec, key="p384")
        yield case("repeated messages", codec, options=["--repeat-seis"], not_for_axis=REPEATS)
    for codec in ("h264", "h265"):
        yield case("hashed without emulation prevention", codec, options=["--no-emulation-prevention"])
        yield case("slices and B pictures", codec, slices=3, b_frames=0 if codec == "h265" else 2, gop=12)
    yield case("as OBUs", "av1", target=".obu")
    yield case("Matroska", "av1", target=".mkv")
    yield case("temporal layers: not covered, and said", "h265", b_frames=3, layers=True, open_gop=True)


def is_slice(codec, unit):
    kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63 if codec == "h265" else unit[0] >> 3 & 15
    return kind in {"h264": (1, 5), "h265": (0, 1, 19, 20), "av1": (6,)}[codec]


class Session:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.factory = cameras.Factory(folder)
        self.camera = {kind: self.factory.camera("camera-" + kind, kind) for kind in cameras.KEYS}

    def camvault(self, codec, path):
        options = ["--format", "units", "--codec", codec] if path.endswith(".units") else []
        return cameras.verify(self.args.camvault, path, ["--trust", self.factory.root] + options)

    def units(self, codec, path, base):
        """Of the signed clip. AV1 through an .obu file, signed with the same options."""
        if codec == "av1" and not path.endswith(".obu"):
            path = base + "_units.obu"
        return [unit for sample in read_clip(path, codec)[1] for unit in sample]

    @staticmethod
    def check(codec, units, right):
        """axis_check.py, the second reading of the form."""
        check = axis_check.Check(codec, units)
        verdict = check.run()
        if verdict in (right or ["authentic"]):
            return []
        return ["axis_check: %s: %s" % (verdict, (check.problems + check.missing)[:3])]

    def run(self, number, c):
        """Returns (name, problems, reason why Axis' validator was not asked or None)."""
        base = os.path.join(self.folder, "case_%d" % number)
        codec, source, target = c["codec"], base + "_plain.mp4", base + "_signed" + (c["target"] or ".mp4")
        problems = []
        try:
            clips.make(source, codec=codec, **dict(dict(frames=30) if codec == "av1" else {}, **c["clip"]))
            options = c["options"] + ["--form", "axis"]
            cameras.sign(self.args.camvault, self.camera[c["key"]], source, target, 0, options)
            if codec == "av1" and not target.endswith(".obu"):
                cameras.sign(self.args.camvault, self.camera[c["key"]], source, base + "_units.obu", 0, options)
            code, report = self.camvault(codec, target)
            if code != 0 or report["provenance"] != "trusted" or report["signing"]["format"] != "Axis Signed Video":
                problems.append("camvault: exit code %d, %s, %s" % (code, report["verdict"], report["provenance_reason"]))
            units = self.units(codec, target, base)
            whole, forged = base + ".units", base + "_forged.units"
            write_units(whole, units)
            if self.camvault(codec, whole)[0] != 0:
                problems.append("camvault: the units alone are not authentic")
            problems += self.check(codec, units, [])
            slices = [i for i, u in enumerate(units) if is_slice(codec, u)]
            i = slices[len(slices) // 2]
            units[i] = units[i][:-2] + bytes([units[i][-2] ^ 0x10]) + units[i][-1:]
            write_units(forged, units)
            problems += self.check(codec, units, ["not_authentic"])
            if self.camvault(codec, forged)[1]["verdict"] != "not_authentic":
                problems.append("camvault: a changed bit was not found")
            if self.args.validator and not c["skip"]:
                for path, right in ((whole, 0), (forged, 1)):
                    done = subprocess.run([self.args.validator, "-c", codec, path], capture_output=True, text=True, timeout=300)
                    if done.returncode != right:
                        problems.append("Axis' validator: exit code %d: %s" % (done.returncode, " / ".join(done.stdout.splitlines()[:3])))
        except (RuntimeError, ValueError, subprocess.CalledProcessError) as e:
            problems.append(str(e))
        return c["name"], problems, c["skip"] if self.args.validator else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    parser.add_argument("--validator", help="Axis' validator", default="")
    parser.add_argument("--only", help="only cases with this text in the name")
    args = parser.parse_args()
    args.validator = args.validator or os.environ.get("CAMVAULT_AXIS_VALIDATOR", "")
    with tempfile.TemporaryDirectory(prefix="camvault-interop-") as folder:
        session = Session(args, folder)
        todo = [c for c in cases() if not args.only or args.only in c["name"]]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(session.run, range(len(todo)), todo))
    for name, problems, skip in results:
        print("%-45s %s" % (name, "WRONG " + "; ".join(problems) if problems else "ok" + (", Axis' validator not asked: " + skip if skip else "")))
    wrong = sum(bool(p) for _, p, _ in results)
    if not args.validator:
        print("SKIPPED %d clips for Axis' validator: CAMVAULT_AXIS_VALIDATOR does not name it" % len(results))
    print("%d clips, %d wrong" % (len(results), wrong))
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())
