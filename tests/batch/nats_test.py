#!/usr/bin/env python3
"""The NATS example: a JetStream work queue, workers and the server killed, each clip exactly once in the summary.

usage: nats_test.py CAMVAULT NATS_BATCH CLIPS KILLS

nats-server runs here on a loopback port with its own folder. NATS_BATCH: examples/batch/nats/nats_batch.cc, compiled.
"""
import os
import signal
import subprocess
import sys
import time

import murder
from scene import BATCH, Service, free_port, scene, skip_unless

WORKERS, NO_SERVICE = 4, 69


class Queue:
    def __init__(self, path, program):
        path.mkdir()
        self.path, self.program, port = path, program, free_port()
        self.url = "nats://127.0.0.1:%d" % port
        self.server = Service(path / "server.log", ["nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", path / "store"])

    def submit(self, lines):
        end = time.monotonic() + 30
        while True:
            done = subprocess.run([self.program, "submit", "archive", "--server", self.url], input=lines, capture_output=True, text=True, check=False)
            if done.returncode != NO_SERVICE or time.monotonic() > end:
                return done
            time.sleep(0.2)  # it does not listen yet

    def worker(self, number, job):
        return Service(self.path / ("worker%d.log" % number),
                       [self.program, "work", "archive", "--server", self.url, "--ack-wait", "3", "--tries", "20", "--until-done",
                        "--", sys.executable, BATCH, "run", job])


def work_until_done(queue, job, restart_server):
    """Workers that died are started again, as a service manager does. Returns how many died."""
    died, end, begin = 0, time.monotonic() + 1500, time.monotonic()
    crew = [queue.worker(i, job) for i in range(WORKERS)]
    try:
        while any(one.process.poll() is None or one.process.returncode != 0 for one in crew):
            for one in crew:
                if one.process.poll() not in (None, 0):
                    # Who is started while there is no server says so and ends.
                    assert one.process.returncode in (-signal.SIGKILL, NO_SERVICE), (one.process.returncode, one.text()[-2000:])
                    died += one.process.returncode != NO_SERVICE
                    time.sleep(0.2)
                    one.start()
            if restart_server and time.monotonic() - begin > 3:
                restart_server = False
                queue.server.end(signal.SIGKILL)
                time.sleep(0.5)
                queue.server.start()
            assert time.monotonic() < end, "not done: " + crew[0].text()[-2000:]
            time.sleep(0.05)
    finally:
        for one in crew:
            one.end()
    return died


def check_refusals(program):
    """Wrong words are refused before anything is asked of a server."""
    for words in ([], ["work", "x"], ["submit", "x", "--", "true"], ["submit", "a.b"], ["work", "x", "--tries", "0", "--", "true"],
                  ["work", "x", "--ack-wait", "1s", "--", "true"], ["work", "x", "--bad", "1", "--", "true"], ["work", "x", "--tries", "--", "true"]):
        done = subprocess.run([program, *words], capture_output=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 64, (words, done)


def main():
    camvault, program, count, kills = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    skip_unless(["nats-server", "ffmpeg"])
    if not os.path.exists(program):
        skip_unless(["nats_batch (built when libnats-dev is installed)"])
    check_refusals(program)
    with scene(camvault, count) as at:
        queue = Queue(at.path / "queue", program)
        try:
            lines = at.batch("list", at.job).stdout
            assert queue.submit(lines).stdout == "%d lines\n" % count
            # Submitted twice, by mistake: no clip is in the summary twice for it.
            queue.submit("".join(lines.splitlines(True)[:5]))
            murderer = murder.Murderer(at.path, kills, 0.3 if count < 100 else 1.0)
            murderer.start()
            begin = time.monotonic()
            died = work_until_done(queue, at.job, restart_server=count >= 100)
            seconds = time.monotonic() - begin
            killed = murderer.stop()
            assert killed > 0 and at.left() == 0, (killed, at.left())
            codes = at.check(at.batch("summary", at.job, code=1).stdout)
            version = subprocess.run(["nats-server", "--version"], capture_output=True, text=True, check=True).stdout.strip()
            print("%s: %d clips, %d processes killed (%d of them queue workers), %.0f s, by exit code %s" % (
                version, count, killed, died, seconds, codes))
        except BaseException:
            print("--- nats-server\n" + queue.server.text()[-3000:])
            raise
        finally:
            queue.server.end()


if __name__ == "__main__":
    main()
