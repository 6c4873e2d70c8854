"""A clip of a few kB whose pictures take gigabytes when they are decoded.

bomb_test.py CAMVAULT: checking it decodes nothing and costs nothing; its report shows decoded pictures of what was altered, in a
child process with limits, and comes in bounded time and memory with or without them.
"""
import pathlib
import resource
import subprocess
import sys
import tempfile

from memory_test import camera, peak_kb, run

PICTURES, SIZE = 24, "8192x4352"  # 53 MB each
PLAIN_KB, PLAIN_SECONDS = 64 * 1024, 5
REPORT_KB, REPORT_SECONDS = 1_700 * 1024, 120  # the child may have 1.5 GB


def measured(*command):
    """(exit code, peak of RssAnon in kB with all children, CPU seconds)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        peak = peak_kb(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process.returncode, peak, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def altered(path):
    """One byte of every fourth slice."""
    data = bytearray(path.read_bytes())
    places, at = [], data.find(b"\0\0\1")
    while at >= 0:
        if data[at + 3] & 31 in (1, 5):
            places.append(at)
        at = data.find(b"\0\0\1", at + 3)
    for place in places[1::4]:
        data[place + 12] ^= 0x55
    path.write_bytes(data)
    return len(places)


def main():
    camvault, wrong = sys.argv[1], []
    with tempfile.TemporaryDirectory(prefix="camvault-bomb-") as name:
        folder = pathlib.Path(name)
        key, chain, root = camera(folder)
        source, clip = folder / "bomb.h264", folder / "signed.h264"
        run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=black:size={SIZE}:rate=25", "-frames:v", PICTURES, "-c:v", "libx264",
            "-preset", "ultrafast", "-g", "8", "-threads", "1", "-f", "h264", source)
        run(camvault, "sign", source, clip, "--key-file", key, "--chain", chain)
        slices = altered(clip)
        print(f"{clip.stat().st_size // 1000} kB, {slices} pictures of {SIZE}")
        for what, options, kb, seconds in (("verify", [], PLAIN_KB, PLAIN_SECONDS),
                                           ("report", ["--report", folder / "report.html"], REPORT_KB, REPORT_SECONDS)):
            code, peak, took = measured(camvault, "verify", clip, "--trust", root, *options)
            print(f"{what}: exit code {code}, {peak // 1024} MB, {took:.1f} s of CPU time")
            if code != 1 or peak > kb or took > seconds:
                wrong.append(what)
        if not (folder / "report.html").exists():
            wrong.append("no report was written")
    for line in wrong:
        print("WRONG " + line)
    return 1 if wrong or slices != PICTURES else 0


if __name__ == "__main__":
    sys.exit(main())
