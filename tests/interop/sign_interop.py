#!/usr/bin/env python3
"""Clips signed by `camvault sign`, looked at by verifiers that are not ours.

usage: sign_interop.py --camvault PATH [--validator PATH] [--only TEXT] [--keep DIR]

Without --validator the judge is onvif_check.py, written from the standard alone, which also has to refuse a copy of each
clip with one bit changed. With it the judge is ONVIF's reference validator, run as
PATH [-c h264|h265] --ca CA.pem FILE (exit code 0: authentic and of known origin). Proves AX-4.1-1, AX-4.1-2, AX-4.1-4.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import cameras
import clips
from media_units import read_clip

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "edits"))
import mux  # noqa: E402

# Why ONVIF's reference (r25.12.3) cannot judge a clip; docs/formats/signed-video.md, differences.
TYPES = "the reference does not hash these types of H.265 slices"
REPEATS = "the reference takes a repeated SEI for a forgery"
RSA_HASH = "the reference verifies RSA with SHA-256 only"


def case(name, key="p256", source=".mp4", target=".mp4", options=(), not_for_reference=None, promise=False, **clip):
    return dict(name=name, key="promise" if promise else key, source=source, target=target, options=list(options),
                skip=not_for_reference, clip=clip)


def cases():
    for codec in ("h264", "h265"):
        raw = "." + codec
        yield case(codec + " MP4", codec=codec)
        yield case(codec + " MP4 to raw", codec=codec, target=raw)
        yield case(codec + " raw", codec=codec, source=raw, target=raw)
        yield case(codec + " raw to MP4", codec=codec, source=raw)
        yield case(codec + " 3 slices and B pictures", codec=codec, slices=3, b_frames=2, gop=12,
                   not_for_reference=TYPES if codec == "h265" else None)
        yield case(codec + " without supplement", codec=codec, options=["--no-supplement"])
        yield case(codec + " certificate that promises supplements", codec=codec, promise=True)
        yield case(codec + " 3 slices, raw", codec=codec, slices=3, source=raw, target=raw)
        yield case(codec + " low bitrate", codec=codec, options=["--low-bitrate"])
        yield case(codec + " partial GOPs", codec=codec, gop=60, options=["--max-partial-units", "7"])
        yield case(codec + " partial GOPs with slices, raw", codec=codec, slices=2, source=raw, target=raw, options=["--max-partial-units", "8"])
        yield case(codec + " every third GOP signed", codec=codec, options=["--signing-interval", "3"])
        yield case(codec + " certificates in every SEI", codec=codec, options=["--certificate-in-every-sei"])
        yield case(codec + " SEIs hashed without emulation prevention", codec=codec, options=["--no-emulation-prevention"])
        yield case(codec + " SEIs hashed without emulation prevention, raw", codec=codec, source=raw, target=raw,
                   options=["--no-emulation-prevention"])
        yield case(codec + " repeated SEIs", codec=codec, options=["--repeat-seis"], not_for_reference=REPEATS)
    yield case("h265 open GOP and temporal layers", codec="h265", b_frames=3, open_gop=True, layers=True, not_for_reference=TYPES)
    yield case("one GOP of 1,300 units, parts by default", frames=650, gop=1000, slices=2)
    yield case("P-384", key="p384")
    yield case("P-384, SHA-384", key="p384", options=["--hash", "sha384"])
    yield case("P-521, SHA-512", key="p521", options=["--hash", "sha512"])
    yield case("P-256, SHA-512, raw", options=["--hash", "sha512"], source=".h264", target=".h264")
    for size in ("2048", "3072", "4096"):
        yield case("RSA-" + size, key="rsa" + size, codec="h265" if size == "3072" else "h264")
    yield case("RSA-3072, SHA-384", key="rsa3072", options=["--hash", "sha384"], not_for_reference=RSA_HASH)
    yield case("RSA-3072, low bitrate, parts", key="rsa3072", options=["--low-bitrate", "--max-partial-units", "5"])


class Session:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.factory = cameras.Factory(folder)
        self.camera = {kind: self.factory.camera("camera-" + kind, kind) for kind in cameras.KEYS}
        self.camera["promise"] = self.factory.camera("camera-promise", "p256", True)

    def run(self, number, c):
        """Returns (name, what went wrong or None, reason of a skip or None)."""
        base = os.path.join(self.folder, "case_%d" % number)
        source, target = base + "_plain" + c["source"], base + "_signed" + c["target"]
        clips.make(source, **c["clip"])
        codec = c["clip"].get("codec", "h264")
        try:
            cameras.sign(self.args.camvault, self.camera[c["key"]], source, target, 0, c["options"])
            if self.args.validator and c["skip"]:
                problem, answer = self.same_fault(c, codec, source, target)
                return c["name"], problem, "%s (exit code %d with and without supplement)" % (c["skip"], answer)
            return c["name"], (self.reference if self.args.validator else self.checker)(codec, target), None
        except (RuntimeError, ValueError) as e:
            return c["name"], str(e), None
        finally:
            if not self.args.keep:
                for path in (source, target):
                    if os.path.exists(path):
                        os.unlink(path)

    def ask_reference(self, codec, clip):
        return subprocess.run([self.args.validator, "-c", codec, "--ca", self.factory.root, clip], capture_output=True, text=True, timeout=300)

    def reference(self, codec, clip):
        done = self.ask_reference(codec, clip)
        return None if done.returncode == 0 else "exit code %d: %s" % (done.returncode, " / ".join(done.stdout.splitlines()[:3]))

    def same_fault(self, c, codec, source, target):
        """What the reference cannot judge has nothing to do with the supplement: without it, its answer is the same."""
        with_supplement = self.ask_reference(codec, target).returncode
        cameras.sign(self.args.camvault, self.camera[c["key"]], source, target, 0, c["options"] + ["--no-supplement"])
        without = self.ask_reference(codec, target).returncode
        return None if with_supplement == without else "exit code %d, without supplement %d" % (with_supplement, without), without

    def ask(self, clip):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onvif_check.py")
        done = subprocess.run([sys.executable, script, "--ca", self.factory.root, clip], capture_output=True, text=True, timeout=300)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            raise RuntimeError("onvif_check.py: %s" % done.stderr[-800:]) from None

    def checker(self, codec, clip):
        code, report = self.ask(clip)
        if code != 0 or report["provenance"] != "trusted" or report["gops"] < 1 or report["signed"] < 2 or not report["covered_units"]:
            return "not authentic for onvif_check.py: %s" % json.dumps(report)
        if report["covered_units"] != report["hashed_units"]:
            return "%d of %d units covered although the stream was ended properly" % (report["covered_units"], report["hashed_units"])
        # The neighbour that has to be refused: one bit in the middle of one slice.
        _, samples = read_clip(clip, codec)
        i = len(samples) // 2 if len(samples) > 1 else 0
        slices = [k for k, u in enumerate(samples[i]) if (u[0] & 31 in (1, 5) if codec == "h264" else u[0] >> 1 & 63 < 32)]
        k = slices[len(slices) // 2]
        unit = bytearray(samples[i][k])
        unit[len(unit) // 2] ^= 0x10
        samples[i][k] = bytes(unit)
        forged = clip + ".forged.mp4"
        mux.write_mp4(forged, codec, samples)
        code, report = self.ask(forged)
        os.unlink(forged)
        return None if code == 1 and report["verdict"] == "not_authentic" else "a changed bit was not found: %s" % json.dumps(report)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--camvault", required=True)
    parser.add_argument("--validator", help="ONVIF's reference validator; empty: say that it is not there and skip")
    parser.add_argument("--only", help="only cases with this text in the name")
    parser.add_argument("--keep", help="folder to leave the clips in")
    args = parser.parse_args()
    if args.validator == "":  # not known when the build was configured, but perhaps now
        args.validator = os.environ.get("CAMVAULT_ONVIF_VALIDATOR", "")
    if args.validator == "":
        print("SKIPPED %d clips: CAMVAULT_ONVIF_VALIDATOR does not name ONVIF's reference validator" % len(list(cases())))
        return 77
    with tempfile.TemporaryDirectory(prefix="camvault-interop-") as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        session = Session(args, folder)
        todo = [c for c in cases() if not args.only or args.only in c["name"]]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(session.run, range(len(todo)), todo))
    for name, problem, skip in results:
        print("%-50s %s" % (name, "WRONG " + problem if problem else "skipped: " + skip if skip else "ok"))
    wrong, skipped = sum(bool(p) for _, p, _ in results), sum(bool(s) for _, _, s in results)
    print("%d clips: %d ok, %d wrong, %d skipped" % (len(results), len(results) - wrong - skipped, wrong, skipped))
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())
