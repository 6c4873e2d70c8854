"""A camera that was told no address finds its owner's registrar: the real avahi-daemon with the file that we ship, and strangers.

Three network namespaces at one bridge: the site (fleetd, masad, avahi-daemon), the camera, a stranger. RFC 8995 Appendix B, RFC 6762
AX-2.2-1, IP-2.4-1, SP-4.2.7
"""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

from rig import CAMVAULT, must, run, wait_until
from zero_touch_rig import IDENTITY, Impostor, ZeroTouchRig, http

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "network"))
import lab  # noqa: E402

SERVICE = pathlib.Path(__file__).parents[2] / "packaging/avahi/fleetd.service"
SITE, CAMERA, STRANGER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
GROUP, PORT = "224.0.0.251", 5353
OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private"]


def why_not():
    if lab.find("avahi-daemon") is None:
        return "avahi-daemon is not installed (packaging/packages-test.txt)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        lab.Namespace().close()
    except OSError as error:
        return "no network namespaces here: %s" % error
    # In a chroot whose root is no mount of its own nothing can be mounted that others do not see.
    done = subprocess.run([*OWN_MOUNTS, "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else "no mounts of its own for avahi-daemon here: " + done.stderr.strip()


def dns_name(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Responder:
    """Says to every question that a registrar is there, or sends `noise`; then calls `afterwards`."""

    def __init__(self, address, port, noise=None, afterwards=lambda: None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", PORT))
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(STRANGER))
        self.socket.settimeout(0.05)
        self.address, self.port, self.noise, self.afterwards, self.asked, self.over = address, port, noise, afterwards, 0, False
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def answer(self, number):
        kind, host = dns_name([b"_brski-registrar", b"_tcp", b"local"]), dns_name([b"stranger", b"local"])
        instance = dns_name([b"Come here", b"_brski-registrar", b"_tcp", b"local"])
        out = number + struct.pack(">5H", 0x8400, 0, 3, 0, 0)
        for owner, record, data in ((kind, 12, instance), (instance, 33, struct.pack(">3H", 0, 0, self.port) + host),
                                    (host, 1, socket.inet_aton(self.address))):
            out += owner + struct.pack(">HHIH", record, 1, 120, len(data)) + data
        return out

    def work(self):
        while not self.over:
            try:
                question, who = self.socket.recvfrom(9000)
            except socket.timeout:
                continue
            if who[1] != PORT:  # a one-shot question
                self.asked += 1
                for message in self.noise or [self.answer(question[:2])]:
                    self.socket.sendto(message, who)
                self.afterwards()

    def close(self):
        self.over = True
        self.thread.join()
        self.socket.close()


class Discovery(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.site, cls.yard, cls.outside = lab.Namespace(), lab.Namespace(), lab.Namespace()
        cls.site.ip("link set lo up", "link add br0 type bridge", f"addr add {SITE}/24 dev br0", "link set br0 up")
        for space, port, address in ((cls.yard, "sw0", CAMERA), (cls.outside, "sw1", STRANGER)):
            cls.site.ip(f"link add {port} type veth peer name end0", f"link set {port} master br0 up")
            with cls.site.entered():
                must("ip", "link", "set", "end0", "netns", space.path)
            space.ip("link set lo up", f"addr add {address}/24 dev end0", "link set end0 up")
        with cls.site.entered():
            cls.rig = ZeroTouchRig()
            cls.addClassCleanup(cls.rig.close)
            cls.rig.config.update({"listen": "0.0.0.0", "names": ["localhost", "127.0.0.1", "fleet.local"]})
            cls.rig.start()
        f = cls.rig.folder
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "bad.key",
             "-subj", "/CN=Stranger", "-addext", "subjectAltName=DNS:stranger.local", "-addext", "basicConstraints=critical,CA:FALSE",
             "-addext", "keyUsage=critical,digitalSignature", "-days", "30", "-out", f / "bad.pem")
        cls.start_avahi()

    @classmethod
    def tearDownClass(cls):
        for space in (cls.site, cls.yard, cls.outside):
            space.close()

    @classmethod
    def start_avahi(cls):
        """As installed, but for folders of its own (compiled into it: a mount namespace) and without D-Bus."""
        folder = cls.rig.folder / "avahi"
        (folder / "services").mkdir(parents=True)
        text = SERVICE.read_text()
        assert "<port>8443</port>" in text
        (folder / "services/fleetd.service").write_text(text.replace("8443", str(cls.rig.config["port"])))
        (folder / "conf").write_text("[server]\nhost-name=fleet\nallow-interfaces=br0\nenable-dbus=no\n[publish]\npublish-workstation=no\n")
        folder.chmod(0o755)
        script = (f"mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && mount --bind {folder}/services /etc/avahi/services && "
                  f"exec {lab.find('avahi-daemon')} -f {folder}/conf --no-drop-root --no-chroot --no-rlimits")
        with cls.site.entered():
            cls.avahi = lab.Program([*OWN_MOUNTS, "sh", "-c", script], folder / "log")
        cls.addClassCleanup(cls.avahi.stop)
        assert wait_until(lambda: "successfully established" in cls.avahi.text(), 15), cls.avahi.text()

    def zero_touch(self, place, *more):
        with self.yard.entered():
            begin = time.monotonic()
            done = run(CAMVAULT, "enrol", "--zero-touch", "--root", place.root, "--json", *more)
            self.took = time.monotonic() - begin
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def camera(self, serial):
        with self.site.entered():
            return self.rig.camera(serial)

    def stranger(self, answer, **options):
        """Says that it is a registrar, and answers so."""
        with self.outside.entered():
            server = Impostor(self.rig.folder / "bad.pem", self.rig.folder / "bad.key", answer, address=STRANGER)
            responder = Responder(STRANGER, server.port, **options)
        self.addCleanup(server.close)
        self.addCleanup(responder.close)
        return server, responder

    def test_1_a_camera_finds_its_owner_without_an_address(self):
        place = self.camera("FIND-1")
        code, told = self.zero_touch(place)
        self.assertEqual(code, 0, told)
        self.assertEqual((told["serial"], told["owner"]["server"]), ("FIND-1", f"https://fleet.local:{self.rig.config['port']}/"))
        print(f"found and enrolled in {self.took:.1f} s", flush=True)
        # later, where the name is looked up on the link again
        code, told = self.zero_touch(place)
        self.assertEqual((code, told["new"]), (0, False), told)
        with self.yard.entered():
            done = run(CAMVAULT, "enrol", "--root", place.root, "--renew", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["new"])

    def test_2_strangers_that_answer_first_are_tried_and_left(self):
        bad_pin = "".join((self.rig.folder / "bad.pem").read_text().splitlines()[1:-1])
        for number, answer in enumerate((lambda h, b: http(403), lambda h, b: http(200, body=bad_pin.encode()),
                                         lambda h, b: http(503, headers="Retry-After: 9\r\n"))):
            # The stranger is the first to answer, whatever the machine does meanwhile.
            self.avahi.process.send_signal(signal.SIGSTOP)
            server, responder = self.stranger(answer, afterwards=lambda: self.avahi.process.send_signal(signal.SIGCONT))
            place = self.camera(f"FIND-2{number}")
            code, told = self.zero_touch(place)
            if code != 0 and "fleet.local" not in told:  # not heard within a second: a busy machine
                server.asked.clear()
                code, told = self.zero_touch(place)
            self.assertEqual(code, 0, told)
            self.assertIn("fleet.local", told["owner"]["server"])
            self.assertEqual(len(server.asked), 1, number)
            responder.close()

    def test_3_noise_is_no_registrar(self):
        _, responder = self.stranger(lambda h, b: None, noise=[b"", b"\xff" * 9000, b"\0" * 12, os.urandom(500)] * 20)
        code, told = self.zero_touch(self.camera("FIND-3"))
        self.assertEqual(code, 0, told)
        self.assertGreater(responder.asked, 0)

    def test_4_strangers_alone_get_no_camera(self):
        self.avahi.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.avahi.process.send_signal, signal.SIGCONT)
        place = self.camera("FIND-4")
        code, why = self.zero_touch(place)
        self.assertEqual(code, 69, why)
        self.assertIn("no registrar says", why)
        self.assertLess(self.took, 8)
        server, _ = self.stranger(lambda h, b: http(403))
        code, why = self.zero_touch(place)
        self.assertEqual(code, 77, why)
        self.assertEqual(len(server.asked), 1)
        self.assertFalse((place.root / IDENTITY / "owner.json").exists())
        with self.yard.entered():  # without zero touch nobody is looked for
            self.assertEqual(run(CAMVAULT, "enrol", "--root", place.root).returncode, 64)

    def test_5_addresses_elsewhere_are_not_gone_to(self):
        """The stranger points at fleetd's own network namespace, beyond a router: the camera asks nobody there."""
        self.site.ip("addr add 10.78.0.1/24 dev br0")
        self.yard.ip("route add 10.78.0.0/24 dev end0")
        self.avahi.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.avahi.process.send_signal, signal.SIGCONT)
        with self.outside.entered():
            responder = Responder("10.78.0.1", self.rig.config["port"])
        self.addCleanup(responder.close)
        code, why = self.zero_touch(self.camera("FIND-5"))
        self.assertEqual(code, 69, why)
        self.assertIn("no registrar says", why)
        self.assertGreater(responder.asked, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
