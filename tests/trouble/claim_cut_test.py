"""A claim by code that is cut at each of its points, at the camera's and at the owner's.

usage: claim_cut_test.py STEP     every STEP-th point; 1: all of them

`gate` kills `camvault claim wait`, or `claim take`, instead of its Nth change (each_point_test.py says what that is). Afterwards the
camera is nobody's, or the owner's who was told so; both commands again end with one owner, one key and one certificate.
AX-2.2-1, NA-1-1, IP-2.4-1
"""
import json
import os
import subprocess
import sys
import time

from each_point_test import CAMVAULT, KILLED, NO_FILTERS, SERIAL, Scene, must, run
from rig import free_port, listens, wait_until

HAS_OWNER, AWAY = 64, 69


class ClaimScene(Scene):
    def __init__(self):
        super().__init__(rule=f"provisioners = [{os.getuid()}]\n")
        self.code = json.loads(must(CAMVAULT, "claim", "code", "--root", self.place.root, "--json"))["code"]
        self.port = free_port()

    def fresh(self):
        must(CAMVAULT, "claim", "reset", "--root", self.place.root)
        self.forget()

    def start_waiting(self, *gate):
        """The camera, once it listens, or has ended before that."""
        command = [*gate, CAMVAULT, "claim", "wait", "--root", str(self.place.root), "--port", str(self.port), "--json"]
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert wait_until(lambda: process.poll() is not None or listens(self.port)), command
        return process

    def take(self, *gate):
        return run(*gate, CAMVAULT, "claim", "take", "--camera", f"https://localhost:{self.port}", "--serial", SERIAL, "--maker",
                   self.rig.factory_root, "--owner-ca", self.rig.fleet_ca, "--fleet", self.rig.url, "--json", input=self.code)

    def owner(self):
        """The server of the camera's owner; nothing if it is nobody's."""
        file = self.identity / "owner.json"
        return json.loads(file.read_text())["server"] if file.exists() else None

    def settle(self, what):
        """Both once more, as a supervisor and a person do it."""
        camera = self.start_waiting()
        until = time.monotonic() + 20
        while camera.poll() is None and time.monotonic() < until:
            # 69: it is on its way to its owner already, or counts a try that was cut off, and wants a second.
            code = self.take().returncode
            assert code in (0, AWAY), (what, code)
            wait_until(lambda: camera.poll() is not None, 0.3)
        said = camera.communicate()[1]
        assert camera.returncode in (0, HAS_OWNER), (what, camera.returncode, said)
        assert camera.returncode == 0 or "has an owner" in said, (what, said)

    def check(self, what):
        assert self.owner() == self.rig.url + "/", (what, self.owner())
        keys = self.rig.keys(self.place)
        assert len(keys) == 1, (what, keys)
        done = run(CAMVAULT, "enrol", "--zero-touch", "--root", self.place.root, "--json")
        state = json.loads(done.stdout)
        assert (done.returncode, state["new"], state["key"]) == (0, False, keys[0]), (what, done)
        assert self.valid() == 1, (what, self.valid())
        assert run(CAMVAULT, "claim", "wait", "--root", self.place.root, "--port", self.port).returncode == HAS_OWNER, what


def attempt(scene, victim, at):
    """(what `take` ended with, what the victim did)"""
    scene.fresh()
    gate = scene.gate("--kill-at", at)
    camera = scene.start_waiting(*(gate if victim == "camera" else []))
    taken = scene.take(*(gate if victim == "owner" else []))
    if victim == "owner" and taken.returncode != 0 and not scene.owner():
        camera.kill()  # it would wait for ever
    camera.communicate()
    return taken.returncode, camera.returncode if victim == "camera" else taken.returncode


def main(step):
    scene = ClaimScene()
    try:
        for victim in ("camera", "owner"):
            _, ended = attempt(scene, victim, 0)
            if ended == NO_FILTERS:
                print("SKIP: this kernel has no such filters")
                sys.exit(NO_FILTERS)
            assert ended == 0, (victim, ended)
            points, hit, nobodys = scene.counted()[0], {}, 0
            for at in range(1, points + 1, step):
                taken, ended = attempt(scene, victim, at)
                assert ended == KILLED, (victim, at, ended)
                last = scene.counted()[1]
                what = (victim, at, last)
                hit[last] = hit.get(last, 0) + 1
                owner = scene.owner()
                assert owner in (None, scene.rig.url + "/"), (what, owner)
                assert owner or taken != 0, (what, "an owner was told so, and is none")
                nobodys += owner is None
                scene.settle(what)
                scene.check(what)
            print(f"{victim} cut off: {sum(hit.values())} of {points} points: {nobodys} times nobody's, else the one owner's; one key and one "
                  "certificate after all; " + ", ".join(f"{name} {n}" for name, n in sorted(hit.items())), flush=True)
    finally:
        scene.rig.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
