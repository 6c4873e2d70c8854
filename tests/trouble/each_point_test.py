"""An enrolment that is cut at each of its points: the power goes, or the flash is full from there on.

usage: each_point_test.py cut|full STEP     every STEP-th point; 1: all of them

`gate` counts what the outside can see of a program (files made, written, synced, renamed; words said to others) and kills it instead
of the Nth, or refuses room from the Nth on: `camvault enrol` for the first time and when it renews, and under an enrolment the
registrar and the camera's keystored. Afterwards the same command without trouble has to end well, with one key in keystored and
one certificate more in the registrar's books. AX-2.2-1, IP-2.4-1
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "enrolment"))
from rig import CAMVAULT, Daemon, Rig, must, run  # noqa: E402

GATE = os.environ["GATE"]
SERIAL = "CUT-000001"
NO_FILTERS = 77
CANNOT_WRITE = 74
KILLED = 128 + 9


class Scene:
    """One camera plays them all: before each first enrolment what the owner gave it is taken away, and the owner forgets it (a
    revocation takes a device off the list, and frees its eight certificates)."""

    def __init__(self, rule=""):
        self.rig = Rig().start()
        self.place = self.rig.camera(SERIAL, rule=rule)
        self.identity = self.place.root / "var/lib/camvault/identity"
        self.report = self.rig.folder / "report"

    def fresh(self, enrolled=False):
        for name in ("ldevid.json", "ldevid-chain.pem", "owner-ca.pem"):
            (self.identity / name).unlink(missing_ok=True)
        for key in self.rig.keys(self.place):
            must(CAMVAULT, "keystore", "delete", key, "--root", self.place.root)
        self.forget()
        if enrolled:
            assert self.rig.enrol(self.place)[0] == 0

    def forget(self):
        self.rig.api("revoke", {"serial": SERIAL, "cause": "superseded"})
        self.rig.api("devices", {"serials": [SERIAL]})

    def valid(self):
        return sum(not c["revoked"] for c in self.rig.api("certificates?serial=" + SERIAL)["certificates"])

    def gate(self, option, at, *command):
        return [GATE, "--report", str(self.report), option, str(at), "--", *command]

    def counted(self):
        count, last, _ = self.report.read_text().split()
        return int(count), last

    def check(self, what):
        code, state = self.rig.enrol(self.place)
        assert code == 0, (what, state)
        assert self.rig.keys(self.place) == [state["key"]] and state["old_key"] == "", (what, self.rig.keys(self.place), state)


class OfCamera:
    """`camvault enrol` itself."""

    def __init__(self, scene, renewal):
        self.scene, self.renewal = scene, renewal
        self.name = "renewal" if renewal else "first enrolment"

    def attempt(self, option, at):
        self.scene.fresh(enrolled=self.renewal)
        return run(*self.scene.gate(option, at, *self.scene.rig.enrol_command(self.scene.place, *["--renew"] * self.renewal)))

    def points(self):
        done = self.attempt("--kill-at", 0)
        if done.returncode == NO_FILTERS:
            print("SKIP: " + done.stderr.strip())
            sys.exit(NO_FILTERS)
        assert done.returncode == 0, (done.returncode, done.stderr)
        return self.scene.counted()[0]

    def cut(self, at):
        done = self.attempt("--kill-at", at)
        assert done.returncode == KILLED, (at, done.returncode, done.stderr)

    def full(self, at):
        done = self.attempt("--full-from", at)
        assert done.returncode in (0, CANNOT_WRITE), (at, done.returncode, done.stderr)
        assert done.returncode == 0 or "No space left" in done.stderr, (at, done.stderr)


class OfDaemon:
    """A daemon while a camera enrols; from its own start on."""

    def __init__(self, scene, name, daemon, start):
        self.scene, self.name, self.daemon, self.start = scene, name, daemon, start
        self.plain = daemon.program, daemon.arguments

    def attempt(self, option, at):
        self.scene.fresh()
        self.daemon.stop()
        self.scene.rig.configure()  # the same port
        self.daemon.program, *arguments = self.scene.gate(option, at, self.plain[0], *self.plain[1])
        self.daemon.arguments = arguments
        done = run(*self.scene.rig.enrol_command(self.scene.place)) if self.daemon.start() else None
        self.daemon.stop()
        self.daemon.program, self.daemon.arguments = self.plain
        self.start()
        return done

    def points(self):
        done = self.attempt("--kill-at", 0)
        assert done is not None and done.returncode == 0, done
        return self.scene.counted()[0]

    def cut(self, at):
        self.attempt("--kill-at", at)

    def full(self, at):
        done = self.attempt("--full-from", at)
        assert done is None or done.returncode in (0, 69, CANNOT_WRITE), (at, done)


def main(what, step):
    scene = Scene()
    try:
        keystored = scene.place.keystored
        victims = [OfCamera(scene, False), OfCamera(scene, True), OfDaemon(scene, "registrar", scene.rig.fleetd, scene.rig.start),
                   OfDaemon(scene, "keystored", keystored, keystored.start)]
        for victim in victims:
            points, hit = victim.points(), {}
            for at in range(1, points + 1, step):
                (victim.cut if what == "cut" else victim.full)(at)
                last = scene.counted()[1]
                hit[last] = hit.get(last, 0) + 1
                scene.check((victim.name, what, at, last))
                assert 1 <= scene.valid() <= 1 + getattr(victim, "renewal", False), (victim.name, what, at, last, scene.valid())
            print(f"{victim.name}: {sum(hit.values())} of {points} points, {what}: none lost, none doubled; "
                  + ", ".join(f"{name} {n}" for name, n in sorted(hit.items())), flush=True)
    finally:
        scene.rig.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
