#!/usr/bin/env python3
"""Enrolments a second over EST: fleetd with SQLite, fleetd with PostgreSQL and, when CAMVAULT_ESTSERVER names one, another server.

usage: enrolment_bench.py BUILD_FOLDER [CAMERAS] [ROUNDS] [THREADS]

The same cameras (enrolment_cameras: mutual TLS, cacerts, csrattrs, simpleenroll, P-256, new handshakes for each) ask each server in
turn, ROUNDS times; the figures are those of the round in the middle. Beside another server all of them are also asked in TLS 1.2, in
which a camera makes a second handshake for the channel binding in its request, and those figures are compared. A server's CPU time is that of all its processes: fleetd and
its keystored, PostgreSQL's. CAMVAULT_ESTSERVER is a program that is called with a folder and a port: it makes a CA there that admits
cameras of maker.pem, writes ca.pem (whom cameras trust) and version (its name), and becomes the server, of one process, at 127.0.0.1.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
COUNT, ROUNDS, THREADS = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((2, 300), (3, 3), (4, 8)))
CAMERAS = BUILD / "bench/enrolment_cameras"
for name, program in (("CAMVAULT", "camvault"), ("KEYSTORED", "keystored"), ("FLEETD", "fleetd")):
    os.environ.setdefault(name, str(BUILD / "bin" / program))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/enrolment"))
import postgres  # noqa: E402
from rig import Rig, free_port, must, run  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def stat_of(pid):
    """(parent, CPU seconds, with those of children that have ended)"""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[1]), sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICK


def cpu_of(pids):
    """Of processes and their children."""
    total = 0
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            parent, used = stat_of(int(entry))
            if int(entry) in pids or parent in pids:
                total += used
    return total


def peak_of(pid):
    """MiB"""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


class Fleetd:
    def __init__(self, kind):
        self.database = postgres.Postgres() if kind == "PostgreSQL" else None
        self.rig = Rig(database=self.database.connection if self.database else None)
        self.folder = self.rig.folder
        must(CAMERAS, "maker", self.folder)
        self.rig.config["device_anchors"].append(str(self.folder / "maker.pem"))
        self.rig.start()
        self.name, self.port, self.ca = f"fleetd, {kind}", self.rig.config["port"], self.rig.fleet_ca
        self.own = {"fleetd": self.rig.fleetd.process.pid, "keystored": self.rig.owner.keystored.process.pid}
        self.all = [*self.own.values(), *([self.database.process.pid] if self.database else [])]

    def expect(self, serials):
        self.rig.api("devices", {"serials": serials})

    def close(self):
        self.rig.close()
        if self.database:
            self.database.close()


class Other:
    """A server that somebody else made."""

    def __init__(self, program):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="camvault-est-"))
        must(CAMERAS, "maker", self.folder)
        self.port, self.ca = free_port(), self.folder / "ca.pem"
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([program, str(self.folder), str(self.port)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                break
            assert self.process.poll() is None and time.monotonic() < until, (self.folder / "log").read_text(errors="replace")
            time.sleep(0.05)
        self.name = (self.folder / "version").read_text().strip()
        self.own = {"the server": self.process.pid}
        self.all = [self.process.pid]

    def expect(self, serials):
        pass

    def close(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def measure(server, first, version):
    server.expect([f"SIM-{first + i:06}" for i in range(COUNT)])
    before = cpu_of(server.all)
    done = run(CAMERAS, "run", server.folder, server.port, server.ca, COUNT, THREADS, first, version)
    assert done.returncode == 0, (server.name, done.stderr)
    assert len(set(line.split()[1] for line in done.stdout.splitlines())) == COUNT, (server.name, "numbers that came twice")
    said = re.search(r"(\d+) tries, ([\d.]+) s, ([\d.]+) a second, p50 ([\d.]+) ms, p99 ([\d.]+) ms, .*CPU ([\d.]+) s", done.stderr)
    tries, took, rate, p50, p99, own = (float(each) for each in said.groups())
    return {"rate": rate, "p50": p50, "p99": p99, "tries": tries, "cpu": (cpu_of(server.all) - before) / COUNT * 1e3, "load": own / took}


def main():
    kinds = ["SQLite"] + (["PostgreSQL"] if postgres.programs() else [])
    if len(kinds) == 1:
        print("PostgreSQL is not installed: left out")
    foreign = os.environ.get("CAMVAULT_ESTSERVER")
    if not foreign:
        print("CAMVAULT_ESTSERVER names no other server: left out")
    servers = []
    try:
        for kind in kinds:
            servers.append(Fleetd(kind))
        if foreign:
            servers.append(Other(foreign))
        runs = [(server, "1.3") for server in servers if isinstance(server, Fleetd)] + [(server, "1.2") for server in servers if foreign]
        rounds = {run_of: [] for run_of in runs}
        for turn in range(ROUNDS):
            for i, (server, version) in enumerate(runs):
                rounds[server, version].append(measure(server, (turn * len(runs) + i) * COUNT, version))
        print(f"{COUNT} cameras, {THREADS} at a time, {ROUNDS} rounds, {os.cpu_count()} cores for servers and cameras together")
        middle = {}
        for server, version in runs:
            one = middle[server.name, version] = sorted(rounds[server, version], key=lambda m: m["rate"])[ROUNDS // 2]
            memory = ", ".join(f"{who} {peak_of(pid):.0f} MiB" for who, pid in server.own.items())
            print(f"  {server.name:28} TLS {version} {one['rate']:7.1f} a second, p50 {one['p50']:.1f} ms, p99 {one['p99']:.1f} ms; "
                  f"CPU {one['cpu']:.2f} ms each; peak {memory}; tries {one['tries']:.0f}; the cameras took {one['load']:.2f} of a core")
        if foreign:
            other = middle[servers[-1].name, "1.2"]
            for server in servers[:-1]:
                print(f"  {server.name} beside {servers[-1].name}: {middle[server.name, '1.2']['rate'] / other['rate']:.2f} times as many a second, "
                      f"{middle[server.name, '1.2']['cpu'] / other['cpu']:.2f} times the CPU time each")
    finally:
        for server in servers:
            server.close()


if __name__ == "__main__":
    main()
