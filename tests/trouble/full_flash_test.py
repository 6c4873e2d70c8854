"""The flash is full: what a camera, a factory and an owner's server do then, and when there is room again.

Small file systems of memory in a mount namespace of this test, filled to the last byte. Each program has to fail with words about
the disk, to lose nothing that was there, and to go on when there is room. IP-2.4-1, AX-2.1-5, NC-1-1, SP-4.2.11
"""
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "enrolment"))
from rig import CAMVAULT, Rig, must, run  # noqa: E402

CANNOT_WRITE = 74
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000


def own_mounts():
    """Why not, or nothing. What is mounted from here on goes away with this process."""
    if LIBC.unshare(CLONE_NEWNS) != 0:
        return "no mount namespace: " + os.strerror(ctypes.get_errno())
    if LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return "no private mounts: " + os.strerror(ctypes.get_errno())
    return ""


class Flash:
    """A file system of so many KiB."""

    def __init__(self, folder, kib):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if LIBC.mount(b"tmpfs", os.fsencode(self.folder), b"tmpfs", 0, b"mode=755,size=%dk" % kib) != 0:
            raise OSError(ctypes.get_errno(), "tmpfs")

    def fill(self):
        with open(self.folder / "ballast", "ab", buffering=0) as out:
            for size in (65536, 4096):
                try:
                    while True:
                        out.write(b"\xff" * size)
                except OSError:
                    pass
        assert shutil.disk_usage(self.folder).free == 0

    def free(self):
        (self.folder / "ballast").unlink()


class FullFlash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = own_mounts()
        if why:
            raise unittest.SkipTest(why + " (tests/trouble/full_at_test.py does without)")
        cls.rig = Rig()
        cls.addClassCleanup(cls.rig.close)
        cls.rig.start()

    def camera(self, serial, kib=2048):
        """A camera whose /var is a small flash."""
        flash = Flash(self.rig.folder / serial / "var", kib)
        return self.rig.camera(serial), flash

    def refused(self, done, words="No space left on device"):
        said = done.stderr.strip()
        print(f"  {self.id().rsplit('.', 1)[1][5:]:12} {done.returncode}  {said}", flush=True)
        self.assertEqual(done.returncode, CANNOT_WRITE, said)
        self.assertIn(words, said)
        self.assertEqual(said.count("\n"), 0, said)

    def test_keystored(self):
        place, flash = self.camera("FULL-KEYS")
        before = must(CAMVAULT, "keystore", "list", "--root", place.root, "--json")
        flash.fill()
        generate = [CAMVAULT, "keystore", "generate", "camera/later", "--type", "ec-p256", "--purpose", "tls", "--root", place.root]
        self.refused(run(*generate), "its disk may be full")
        self.assertIn("No space left on device", (place.root / "keystored.log").read_text())
        self.assertEqual(must(CAMVAULT, "keystore", "list", "--root", place.root, "--json"), before)
        place.keystored.stop()  # a restart in that state keeps what is there, too
        self.assertTrue(place.keystored.start())
        self.assertEqual(must(CAMVAULT, "keystore", "list", "--root", place.root, "--json"), before)
        flash.free()
        must(*generate)
        self.assertEqual([file.name for file in (place.root / "var").rglob(".*") if file.is_file()], [])  # nothing half written is left

    def test_enrol(self):
        place, flash = self.camera("FULL-ENROL")
        flash.fill()
        self.refused(run(*self.rig.enrol_command(place)))
        flash.free()
        code, first = self.rig.enrol(place)
        self.assertEqual(code, 0, first)
        flash.fill()
        self.refused(run(*self.rig.enrol_command(place, "--renew")))
        code, still = self.rig.enrol(place)  # what is there works, and wants no room
        self.assertEqual((code, still["key"] if code == 0 else still), (0, first["key"]))
        flash.free()
        code, renewed = self.rig.enrol(place, "--renew")
        self.assertEqual(code, 0, renewed)
        self.assertEqual(self.rig.keys(place), [renewed["key"]])

    def test_cloud(self):
        place, flash = self.camera("FULL-CLOUD")
        profile = place.write("etc/camvault/cloud.toml", '[mqtt]\nhost = "localhost"\nport = 1\n[tls]\nanchors = "%s"\n' % self.rig.fleet_ca)
        send = [CAMVAULT, "cloud", "send", "events", "--profile", profile, "--root", place.root]
        must(*send, input="one")
        flash.fill()
        self.refused(run(*send, input="lost" * 2000))
        queue = place.root / "var/lib/camvault/cloud/queue"
        self.assertEqual(len(list(queue.glob("*.message"))), 1, list(queue.iterdir()))
        flash.free()
        must(*send, input="two")
        waiting = json.loads(must(CAMVAULT, "cloud", "status", "--json", "--root", place.root))["waiting"]
        self.assertEqual(waiting, 2)

    def test_fleetd(self):
        """A registrar of its own, on a small flash."""
        flash = []
        rig = Rig(before=lambda folder: flash.append(Flash(folder / "var", 2048)) if folder.name == "owner" else None)
        self.addCleanup(rig.close)
        rig.start()
        first, second = rig.camera("FULL-1"), rig.camera("FULL-2")
        self.assertEqual(rig.enrol(first)[0], 0)
        flash[0].fill()
        done = run(*rig.enrol_command(second))
        log = (rig.folder / "fleetd.log").read_text()
        print(f"  fleetd       {done.returncode}  {done.stderr.strip()}\n               {log.strip().splitlines()[-1]}", flush=True)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertRegex(log, "(?i)no space|disk is full")
        self.assertEqual(rig.enrol(first)[0], 0)
        self.assertEqual(len(rig.api("certificates")["certificates"]), 1)
        flash[0].free()
        code, enrolled = rig.enrol(second)
        self.assertEqual(code, 0, enrolled)
        self.assertEqual([len(rig.api(f"certificates?serial=FULL-{n}")["certificates"]) for n in (1, 2)], [1, 1])

    def test_factory(self):
        factory = self.rig.folder / "second-factory"
        flash = Flash(factory / "var", 2048)
        place = self.rig.place("second-factory", "factory")
        must(CAMVAULT, "factory", "init", "--root", place.root, "--organization", "Full Cameras")
        cameras = [self.rig.place(f"FACTORY-{n}", "camera") for n in range(3)]
        provision = [[CAMVAULT, "factory", "provision", "--root", place.root, "--camera-root", camera.root, "--serial", f"F-{n}", "--identities", "none"]
                     for n, camera in enumerate(cameras)]
        must(*provision[0])
        flash.fill()
        self.refused(run(*provision[1]))
        flash.free()
        for command in provision:
            must(*command)
        root = place.root / "var/lib/camvault/factory/root-ca.pem"
        audit = run(CAMVAULT, "factory", "audit", "--root", place.root, "--trust", root)
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)
        listed = must(CAMVAULT, "factory", "list", "--root", place.root)
        for n in range(3):
            self.assertIn(f"F-{n}", listed)

    def test_recording(self):
        if shutil.which("ffmpeg") is None:
            self.skipTest("ffmpeg is not installed")
        place, _ = self.camera("FULL-VIDEO")
        clip = self.rig.folder / "clip.mp4"
        must("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", "4", "-g", "25", "-c:v", "libx264", "-b:v", "1M", clip)
        flash = Flash(self.rig.folder / "recordings", 256)
        kept = flash.folder / "kept.mp4"
        kept.write_bytes(b"what was there")
        for name in ("out.mp4", "out.h264", "out.mkv", "kept.mp4"):
            out = flash.folder / name
            self.refused(run(CAMVAULT, "sign", clip, out, "--root", place.root))
            self.assertEqual(sorted(f.name for f in flash.folder.iterdir()), ["kept.mp4"], name)
            self.assertEqual(kept.read_bytes(), b"what was there")
        subprocess.run(["mount", "-o", "remount,size=8m", flash.folder], check=True)
        must(CAMVAULT, "sign", clip, flash.folder / "out.mp4", "--root", place.root)
        must(CAMVAULT, "verify", flash.folder / "out.mp4", "--trust", self.rig.factory_root)


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=sys.argv)
