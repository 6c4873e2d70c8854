"""Anonymous memory (RssAnon) of `camvault sign` and `camvault verify` while the clip grows.

memory_test.py CAMVAULT MEGABYTES: signs and verifies a raw stream and an MP4 of 10 MB and of MEGABYTES; the peak of the
larger may be 10 MB above that of the smaller. The page cache of the mapped file does not count: it is not the program's.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

ALLOWED_KB = 10 * 1024


def run(*command):
    subprocess.run([str(c) for c in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, text=True)


def camera(folder):
    """A key and a certificate chain, as a PEM file each."""
    key, chain, root = folder / "key.pem", folder / "chain.pem", folder / "root.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run("openssl", "req", "-x509", *curve, "-keyout", folder / "root.key", "-subj", "/CN=Root", "-days", "10", "-out", root)
    run("openssl", "req", *curve, "-keyout", key, "-subj", "/CN=Camera", "-out", folder / "csr.pem")
    run("openssl", "x509", "-req", "-in", folder / "csr.pem", "-CA", root, "-CAkey", folder / "root.key", "-set_serial", "5",
        "-days", "5", "-out", chain)
    return key, chain, root


def clip(folder, megabytes, gop):
    """A stream of that size: GOPs whose slices differ, without encoding them one by one."""
    path = folder / f"{megabytes}.h264"
    written, number = 0, 0
    with open(path, "wb") as out:
        while written < megabytes * 1_000_000:
            # Eight bytes that are never a start code near the end make every GOP another one.
            mark = bytes(1 + (number >> (7 * i)) % 128 for i in range(8))
            out.write(gop[:-9] + mark + gop[-1:])
            written += len(gop)
            number += 1
    return path


def peak_kb(process):
    """The most anonymous memory of the process and its children, sampled while it runs."""
    peak = 0
    while process.poll() is None:
        total, todo = 0, [process.pid]
        while todo:
            pid = todo.pop()
            try:
                for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("RssAnon:"):
                        total += int(line.split()[1])
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    todo += [int(child) for child in (task / "children").read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                pass
        peak = max(peak, total)
        time.sleep(0.005)
    return peak


def watched(*command):
    process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        peak = peak_kb(process)
        output = process.stdout.read()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 0, f"{command}: exit {process.returncode}\n{output[-2000:]}"
    assert peak > 0, "no memory was measured"
    return peak


def main():
    camvault, megabytes = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="camvault-memory-") as name:
        folder = pathlib.Path(name)
        key, chain, root = camera(folder)
        first = folder / "gop.h264"
        run("ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25,noise=alls=40:allf=t",
            "-t", "1", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-b:v", "8M", "-f", "h264", first)
        gop = first.read_bytes()
        peaks = {}
        for size in (10, megabytes):
            source = clip(folder, size, gop)
            for kind in ("h264", "mp4"):
                target = folder / f"signed.{kind}"
                begin = time.monotonic()
                peaks["sign", kind, size] = watched(camvault, "sign", source, target, "--key-file", key, "--chain", chain)
                middle = time.monotonic()
                peaks["verify", kind, size] = watched(camvault, "verify", target, "--trust", root)
                print(f"{size:5} MB {kind}: sign {peaks['sign', kind, size]:6} kB in {middle - begin:.1f} s, "
                      f"verify {peaks['verify', kind, size]:6} kB in {time.monotonic() - middle:.1f} s", flush=True)
                target.unlink()
            source.unlink()
        failed = [f"{what} {kind}: {peaks[what, kind, megabytes]} kB, {peaks[what, kind, 10]} kB with 10 MB"
                  for what in ("sign", "verify") for kind in ("h264", "mp4")
                  if peaks[what, kind, megabytes] - peaks[what, kind, 10] > ALLOWED_KB]
        for line in failed:
            print("grows: " + line)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
