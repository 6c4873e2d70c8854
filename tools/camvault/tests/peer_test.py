#!/usr/bin/env python3
"""camvault peer: two devices of two makers, each with a keystored of its own. NA-2.2-1."""
import json
import subprocess
import unittest

from attest_test import CAMVAULT, run
from factory_test import Base


class Peer(Base):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.roots, cls.devices = {}, {}
        for maker, serial in (("cameras", "CAM-000001"), ("doors", "DOOR-00001")):
            factory = cls.machine(maker, "factory")
            device = cls.machine(serial, "camera")
            for command in (["factory", "init", "--root", factory.root, "--organization", maker],
                            ["factory", "provision", "--root", factory.root, "--camera-root", device.root, "--serial", serial]):
                done = run(*command)
                if done.returncode != 0:
                    raise RuntimeError(done.stderr.decode())
            cls.devices[maker] = device
            cls.roots[maker] = factory.root / "var/lib/camvault/factory/root-ca.pem"

    def listen(self, maker, trusted, *more):
        program = subprocess.Popen([CAMVAULT, "peer", "listen", "--count", "1", "--json", "--root", str(self.devices[maker].root),
                                    "--trust", str(self.roots[trusted]), *more], stdout=subprocess.PIPE, text=True)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        return program, "127.0.0.1:%d" % json.loads(program.stdout.readline())["port"]

    def check(self, maker, trusted, address, *more):
        done = run("peer", "check", address, "--json", "--root", self.devices[maker].root, "--trust", self.roots[trusted], *more)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def ended(self, program):
        said, _ = program.communicate(timeout=20)
        return program.returncode, json.loads(said)

    def test_both_directions(self):
        for here, there in (("cameras", "doors"), ("doors", "cameras")):
            program, address = self.listen(there, here, "--context", "gate 3")
            code, said = self.check(here, there, address, "--context", "gate 3")
            self.assertEqual((code, said["proven"]), (0, True), said)
            self.assertEqual(said["serial"], {"doors": "DOOR-00001", "cameras": "CAM-000001"}[there])
            code, said = self.ended(program)
            self.assertEqual((code, said["serial"]), (0, {"doors": "DOOR-00001", "cameras": "CAM-000001"}[here]))

    def test_refusals(self):
        program, address = self.listen("doors", "cameras", "--context", "gate 3")
        code, said = self.check("cameras", "doors", address, "--context", "gate 4")
        self.assertEqual((code, said["proven"]), (1, False))
        self.assertEqual(self.ended(program)[0], 1)
        # A maker that the door does not trust; one that the camera does not trust.
        for door_trusts, camera_trusts in (("doors", "doors"), ("cameras", "cameras")):
            program, address = self.listen("doors", door_trusts)
            code, said = self.check("cameras", camera_trusts, address)
            self.assertIn(code, (1, 69), said)
            code, said = self.ended(program)
            self.assertEqual((code, said["proven"]), (1, False))
        # A device is not its own peer.
        program, address = self.listen("doors", "doors")
        self.check("doors", "doors", address)
        self.assertIn("ourselves", self.ended(program)[1]["reason"])

    def test_nobody_there(self):
        program, address = self.listen("doors", "cameras")
        program.kill()
        program.wait()
        self.assertEqual(self.check("cameras", "doors", address)[0], 69)
        self.refused(64, "HOST:PORT", "peer", "check", "nowhere", "--root", self.devices["cameras"].root, "--trust", self.roots["doors"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
