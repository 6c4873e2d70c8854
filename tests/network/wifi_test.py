"""A Wi-Fi passphrase stays in the keystore [NA-2.5-1]: what is written, and what goes through the control socket.

Without a radio. The join itself needs one: mac80211_hwsim in a guest.
"""
import hashlib
import os
import pathlib
import sys
import tempfile
import unittest

import lab
from lab import must, run, until

PASSPHRASE, SSID = b"correct horse battery staple", b"Warehouse 7"
KEY = hashlib.pbkdf2_hmac("sha1", PASSPHRASE, SSID, 4096, 32)  # IEEE 802.11 J.4.1
# Speaks the control interface as wpa_supplicant does for such a network, and ends with what it was told.
STAND_IN = """import os, pathlib, socket, sys
folder = pathlib.Path(next(l.split("DIR=")[1] for l in open(sys.argv[sys.argv.index("-c") + 1]) if "DIR=" in l).strip())
folder.mkdir(parents=True, exist_ok=True)
path = str(folder / sys.argv[sys.argv.index("-i") + 1])
control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
control.bind(path)
events = None
while True:
    command, who = control.recvfrom(4096)
    words = command.decode().split()
    control.sendto(b"PONG\\n" if words[0] == "PING" else b"OK\\n", who)
    if words[0] == "ATTACH":
        events = who
    elif words[0] == "SELECT_NETWORK":
        control.sendto(b"<3>CTRL-REQ-PSK_PASSPHRASE-0:PSK or passphrase needed for SSID Warehouse 7", events)
    elif command.startswith(b"CTRL-RSP-"):
        good = command.decode() == "CTRL-RSP-PSK_PASSPHRASE-0:" + os.environ["EXPECTED"]
        control.sendto(b"<3>CTRL-EVENT-CONNECTED ok" if good else b"<3>CTRL-EVENT-EAP-FAILURE no", events)
    elif words[0] == "TERMINATE":
        break
"""


class Passphrase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("keystored's own user needs root")
        temporary = tempfile.TemporaryDirectory(prefix="camvault-wifi-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.folder.chmod(0o755)
        cls.root = cls.folder / "camera"
        cls.root.mkdir()
        cls.keystore = lab.Keystore(cls.root, "camera")
        cls.addClassCleanup(cls.keystore.stop)
        must([lab.CAMVAULT, "keystore", "secret", "set", "camera/wifi", "--purpose", "wifi-psk", "--root", cls.root], data=PASSPHRASE + b"\n")
        (cls.root / "etc/camvault/network.toml").write_text('[wifi]\ninterface = "wlan0"\nssid = "%s"\nkey = "camera/wifi"\n' % SSID.decode())

    def assert_nothing_of_it_below(self, folder):
        looked = 0
        for path in folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                looked += 1
                for secret in (PASSPHRASE, PASSPHRASE.hex().encode(), KEY, KEY.hex().encode(), KEY.hex().upper().encode()):
                    self.assertNotIn(secret, content, path)
        return looked

    def test_the_configuration_has_none(self):
        text = must([lab.CAMVAULT, "network", "config", "--wifi", "--root", self.root])
        self.assertIn("mem_only_psk=1", text)
        self.assertNotIn("\n  psk=", text)
        self.assertIn("ssid=" + SSID.hex(), text)
        # A passphrase written into network.toml by mistake is refused, and not repeated.
        other = self.folder / "other"
        (other / "etc/camvault").mkdir(parents=True)
        (other / "etc/camvault/network.toml").write_text('[wifi]\nssid = "x"\nkey = "correct horse battery staple"\n')
        code, output = run([lab.CAMVAULT, "network", "config", "--wifi", "--root", other])
        self.assertEqual(code, 64, output)
        self.assertNotIn("correct", output)
        (other / "etc/camvault/network.toml").unlink()

    def test_the_key_is_given_when_it_is_asked_for(self):
        stand_in = self.folder / "stand-in.py"
        stand_in.write_text("#!%s\n%s" % (sys.executable, STAND_IN))
        stand_in.chmod(0o755)
        output = self.folder / "states"
        program = lab.Program([lab.CAMVAULT, "network", "run", "--wifi", "--json", "--root", self.root, "--wpa-supplicant", stand_in, "--log",
                               self.root / "wpa.log"], self.folder / "network.log", env=dict(self.keystore.env, EXPECTED=KEY.hex()), stdout=open(output, "wb"))
        self.addCleanup(program.stop)
        self.assertTrue(until(lambda: '"phase":"connected"' in output.read_text(), 15), output.read_text() + program.text())
        output.unlink()
        self.assertGreater(self.assert_nothing_of_it_below(self.root), 5)

    def test_wpa_supplicant_writes_none_even_if_it_may(self):
        """The real one: the key is in its memory, and it is told to save its configuration."""
        reason = lab.why_not()
        if reason:
            self.skipTest(reason)
        space = lab.Namespace()
        self.addCleanup(space.close)
        space.ip("link add wlan0 type veth peer name peer0", "link set wlan0 up")
        folder = self.folder / "real"
        folder.mkdir()
        conf = folder / "wpa.conf"
        text = must([lab.CAMVAULT, "network", "config", "--wifi", "--root", self.root, "--run-folder", folder])
        conf.write_text(text.replace("update_config=0", "update_config=1"))
        with space.entered():
            program = lab.Program([lab.find("wpa_supplicant"), "-D", "wired", "-i", "wlan0", "-c", conf], folder / "wpa.log")
        self.addCleanup(program.stop)
        self.assertTrue(until((folder / "control/wlan0").exists, 10), program.text())
        control = lab.Control(folder / "control/wlan0", folder / "ask")
        self.addCleanup(control.close)
        self.assertEqual(control.ask("CTRL-RSP-PSK_PASSPHRASE-0:" + KEY.hex()), "OK\n")
        self.assertEqual(control.ask("GET_NETWORK 0 psk").strip(), "*")
        self.assertEqual(control.ask("SAVE_CONFIG"), "OK\n")
        self.assertIn("mem_only_psk=1", conf.read_text())
        self.assertGreater(self.assert_nothing_of_it_below(folder), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
