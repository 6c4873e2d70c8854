"""Simulated cameras enrol while fleetd, keystored, the database and the network are killed and come back.

usage: cameras_test.py sqlite|postgres CAMERAS SECONDS_OF_TROUBLE

None lost: each camera has a certificate, and the database knows it. None doubled: exactly one each.
"""
import contextlib
import os
import random
import selectors
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import postgres
from rig import Rig, must

CAMERAS = os.environ["ENROLMENT_CAMERAS"]
THREADS = 16


class Network:
    """Between cameras and fleetd: every connection can be cut."""

    def __init__(self, target):
        self.target, self.ends, self.alive = target, set(), True
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.alive:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target()), timeout=2)
            except OSError:
                continue
            with self.lock:
                self.ends |= {near, far}
            threading.Thread(target=self.relay, args=(near, far), daemon=True).start()

    def relay(self, near, far):
        choose = selectors.DefaultSelector()
        try:
            choose.register(near, selectors.EVENT_READ, far)
            choose.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in choose.select(10):
                    piece = key.fileobj.recv(65536)
                    if not piece:
                        return
                    key.data.sendall(piece)
        except (OSError, ValueError):
            pass
        finally:
            choose.close()
            with self.lock:
                self.ends -= {near, far}
            near.close()
            far.close()

    def cut(self):
        with self.lock:
            for end in self.ends:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def trouble(rig, database, network, seconds, running):
    """What was done, by name and count."""
    done = {}
    end = time.monotonic() + seconds
    while running() and time.monotonic() < end:
        time.sleep(random.uniform(0.15, 0.6))
        what = random.choice(["fleetd", "network", "keystored"] + (["database"] if database else []))
        done[what] = done.get(what, 0) + 1
        if what == "fleetd":
            rig.fleetd.stop(signal.SIGKILL)
            time.sleep(random.uniform(0, 0.3))
            rig.start()
        elif what == "network":
            network.cut()
        elif what == "keystored":
            rig.owner.keystored.stop(signal.SIGKILL)
            time.sleep(random.uniform(0, 0.3))
            assert rig.owner.keystored.start()
        else:
            database.stop()
            time.sleep(random.uniform(0, 0.3))
            database.start()
    return done


def peak_memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024


def main(kind, cameras, seconds):
    database = None
    if kind == "postgres":
        if postgres.programs() is None:
            print("SKIPPED: PostgreSQL is not installed")
            return 77
        database = postgres.Postgres()
    rig = Rig(database=database.connection if database else None)
    try:
        must(CAMERAS, "maker", rig.folder)
        rig.config["device_anchors"].append(str(rig.folder / "maker.pem"))
        rig.start()
        serials = [f"SIM-{i:06}" for i in range(cameras)]
        for i in range(0, cameras, 500):
            rig.api("devices", {"serials": serials[i:i + 500]})
        network = Network(lambda: rig.config["port"])
        calm = seconds == 0
        port = rig.config["port"] if calm else network.port
        process = subprocess.Popen([CAMERAS, "run", str(rig.folder), str(port), str(rig.fleet_ca), str(cameras), str(THREADS)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        collected = []
        reader = threading.Thread(target=lambda: collected.extend(process.communicate()))
        reader.start()
        done = trouble(rig, database, network, seconds, lambda: process.poll() is None)
        reader.join(timeout=400)
        assert process.returncode == 0, collected
        got = dict(line.split() for line in collected[0].splitlines())
        known = {}
        for serial, number, revoked in certificates(rig, database):
            assert revoked == ""
            known.setdefault(serial, []).append(number)
        lost = [s for s in serials if s not in got or got[s] not in known.get(s, [])]
        doubled = [s for s in serials if len(known.get(s, [])) != 1]
        memory = peak_memory(rig.fleetd.process.pid)
        print(f"{kind}: {collected[1].strip()}; killed: {done or 'nothing'}; lost {len(lost)}, doubled {len(doubled)}; "
              f"fleetd's peak memory {memory} MiB")
        assert not lost and not doubled, (lost[:5], doubled[:5])
        network.alive = False
        return 0
    finally:
        rig.close()
        if database:
            database.close()


def certificates(rig, database):
    """What the database itself says: (serial, number, revoked)."""
    question = "SELECT serial, number, revoked FROM certificates"
    if database is None:
        with contextlib.closing(sqlite3.connect(rig.owner.root / "var/lib/camvault/fleetd/fleet.db")) as books:
            return books.execute(question).fetchall()
    lines = must(database.bin / "psql", "-h", database.folder, "-U", "fleet", "-d", "postgres", "-AtF", " ", "-c", question)
    return [(*line.split(" "), "")[:3] for line in lines.splitlines()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
