"""camvault cloud against a real mosquitto. NC-1-1, NC-1-2, NC-2-1, NC-2-3, NC-3.1-1, NC-3.4-1."""
import json
import os
import pathlib
import pwd
import signal
import subprocess
import time
import unittest

from cloud_rig import CAMVAULT, SERIAL, CloudTest, must, run
from memory import found_in_process
from rig import Background, free_port


class MqttTest(CloudTest):
    PROGRAMS = ["mosquitto", "mosquitto_sub"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.listener = cls.camera.local_pair("reader")

    def broker(self, lines="", pair=None, ca=None, port=None, name="broker"):
        port = port or free_port()
        pair = pair or self.server
        folder = self.camera.folder / ("broker-%d" % port)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        tls = lines if "psk" in lines else (
            "cafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\nuse_identity_as_username true\n" % (ca or self.camera.ca, *pair) + lines)
        user = "user %s\n" % ("nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        (folder / "acl").write_text("pattern write devices/%u/#\nuser reader\ntopic read #\n")
        os.chmod(folder / "acl", 0o644)
        acl = "" if "psk" in lines else "acl_file %s/acl\n" % folder
        (folder / "conf").write_text(user + "persistence true\npersistence_location %s/\nautosave_interval 1\nautosave_on_changes true\n" % folder
                                     + "log_type all\nlistener %d 127.0.0.1\nallow_anonymous %s\n" % (port, "true" if "psk" in lines else "false") + tls + acl)
        program = Background(["mosquitto", "-c", folder / "conf"], self.camera.path("%s-%d.log" % (name, port)), port=port)
        self.addCleanup(program.stop)
        program.broker_port = port
        return program

    def profile(self, port, tls=None, topic="devices/{common_name}/{topic}"):
        return self.write_profile('[mqtt]\nhost = "localhost"\nport = %d\ntopic = "%s"\n' % (port, topic), tls)

    def reader(self, port, name="reader", seconds=30):
        """Prints "topic payload" of all messages; a session that the broker keeps."""
        out = self.camera.path("read-%d-%s" % (self.number, name))
        with open(out, "ab") as file:
            program = subprocess.Popen(["mosquitto_sub", "-h", "localhost", "-p", str(port), "--cafile", self.camera.ca, "--cert", self.listener[0], "--key", self.listener[1],
                                        "-t", "#", "-q", "1", "-c", "-i", name, "-v", "-W", str(seconds)], stdout=file, stderr=subprocess.STDOUT)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        time.sleep(0.5)
        return lambda: [line for line in pathlib.Path(out).read_text().splitlines() if line.startswith("devices/")]


class Matrix(MqttTest):
    """Good and bad server, good and bad client: one cell of four connects."""

    def test_only_good_and_good(self):
        cells = {}
        for server in ("good", "bad"):
            for client in ("good", "bad"):
                broker = self.broker(pair=self.server if server == "good" else self.other_ca, ca=self.camera.ca if client == "good" else self.other_ca[0])
                profile = self.profile(broker.broker_port)
                self.assertEqual(self.send(profile, "events", b"{}")[0], 0)
                code, said = self.deliver(profile, patience=20 if (server, client) == ("good", "good") else 1)
                cells[server, client] = code
                self.assertEqual(code, 0 if (server, client) == ("good", "good") else 65 if server == "bad" else 69, said + broker.text())
                if code != 0:
                    self.assertIn("is not believed" if server == "bad" else "may not take our certificate", said)
                broker.stop()
                self.drop_queue()
        self.assertEqual(sum(code == 0 for code in cells.values()), 1)

    def test_wrong_name(self):
        must(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.camera.path("elsewhere.key"), "-subj", "/CN=elsewhere",
              "-out", self.camera.path("elsewhere.csr")])
        base = self.camera.path("elsewhere")
        pathlib.Path(base + ".ext").write_text("basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:elsewhere\nextendedKeyUsage=serverAuth\n")
        must(["openssl", "x509", "-req", "-in", base + ".csr", "-out", base + ".pem", "-days", "2", "-CA", self.camera.ca, "-CAkey", self.camera.path("ca.key"), "-CAcreateserial", "-extfile", base + ".ext"])
        os.chmod(base + ".key", 0o644)
        broker = self.broker(pair=(base + ".pem", base + ".key"))
        profile = self.profile(broker.broker_port)
        self.send(profile, "events", b"{}")
        self.assertEqual(self.deliver(profile)[0], 65)
        self.drop_queue()


class Identity(MqttTest):
    """NC-2-3: nobody speaks for another device."""

    def test_topics_and_messages(self):
        broker = self.broker()
        read = self.reader(broker.broker_port)
        profile = self.profile(broker.broker_port)
        self.assertEqual(self.send(profile, "events", json.dumps({"device": SERIAL, "n": 1}).encode())[0], 0)
        code, said = self.send(profile, "events", json.dumps({"device": "CAM-000002"}).encode())
        self.assertEqual(code, 77, said)
        self.assertEqual(self.send(profile, "../CAM-000002/events/#", b"x")[0], 64)
        self.assertEqual(self.deliver(profile, patience=20)[0], 0)
        self.eventually(lambda: len(read()) == 1)
        self.assertTrue(read()[0].startswith("devices/Camera %s/events " % SERIAL), read())
        # A program that says another device's name all the same is refused by the broker.
        forged = self.profile(broker.broker_port, topic="devices/CAM-000002/{topic}")
        self.assertEqual(self.send(forged, "events", b"forged")[0], 0)
        self.deliver(forged)
        self.assertIn("Denied PUBLISH", broker.text())
        self.assertEqual(len(read()), 1)

    def test_without_a_profile_that_trusts_somebody_nothing_is_sent(self):
        profile = self.profile(1, tls='secrets = "keystore"\n')
        code, said = self.deliver(profile)
        self.assertEqual(code, 64, said)
        self.assertIn("anchors", said)


class Losses(MqttTest):
    def test_nothing_is_lost_when_broker_and_publisher_are_killed(self):
        broker = self.broker()
        port = broker.broker_port
        self.reader(port, seconds=1)  # the broker keeps its session
        time.sleep(1)
        profile = self.profile(port)
        count = 120
        for n in range(count):
            self.assertEqual(self.send(profile, "n", b"%d" % n)[0], 0)
        self.assertEqual(self.waiting(), count)
        command = [CAMVAULT, "cloud", "run", "--profile", profile, "--root", str(self.camera.folder)]
        for turn in range(8):
            publisher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.15 + 0.05 * (turn % 3))
            if turn % 2:
                broker.process.send_signal(signal.SIGTERM)  # what it has acknowledged it has on disk
                broker.process.wait()
                broker = self.broker(port=port, name="again-%d" % turn)
                time.sleep(0.1)
            publisher.kill()
            publisher.wait()
        self.assertEqual(self.deliver(profile, patience=20)[0], 0)
        self.assertEqual(self.waiting(), 0)
        read = self.reader(port, seconds=20)
        self.eventually(lambda: len({line.split()[-1] for line in read()}) == count)
        self.assertEqual({line.split()[-1] for line in read()}, {str(n) for n in range(count)})

    def test_waits_for_a_cloud_that_is_away(self):
        port = free_port()
        profile = self.profile(port)
        self.assertEqual(self.send(profile, "n", b"early")[0], 0)
        code, said = self.deliver(profile, patience=1)
        self.assertEqual(code, 69, said)
        self.assertEqual(self.waiting(), 1)
        self.broker(port=port)
        self.assertEqual(self.deliver(profile, patience=20)[0], 0)


class PreSharedKey(MqttTest):
    """NC-1-2, NC-3.4-1: the secret is in keystored, and in no other process."""

    def test_psk(self):
        psk = os.urandom(31) + b"."
        must([CAMVAULT, "keystore", "secret", "set", "camera/cloud-psk", "--purpose", "tls-psk", "--root", self.camera.folder], data=psk)
        keys = self.camera.path("psk-file")
        pathlib.Path(keys).write_text("%s:%s\n" % (SERIAL, psk.hex()))
        os.chmod(keys, 0o644)
        broker = self.broker("psk_hint camvault\npsk_file %s\nuse_identity_as_username true\n" % keys)
        tls = 'psk_identity = "%s"\npsk_key = "camera/cloud-psk"\nsecrets = "keystore"\n' % SERIAL
        profile = self.profile(broker.broker_port, tls, topic="devices/{serial}/{topic}")
        self.assertEqual(self.send(profile, "events", b"hello")[0], 0)
        publisher = subprocess.Popen([CAMVAULT, "cloud", "run", "--profile", profile, "--root", str(self.camera.folder)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(publisher.wait)
        self.addCleanup(publisher.kill)
        self.eventually(lambda: self.waiting() == 0)
        needles = {"PSK": psk, "PSK in digits": psk.hex().encode()}
        self.assertEqual(found_in_process(publisher.pid, needles), [])
        self.assertEqual(found_in_process(broker.process.pid, needles), ["PSK in digits"])  # the search is not blind
        publisher.terminate()
        publisher.communicate()
        self.assertEqual(publisher.returncode, 0)
        self.assertIn("as %s" % SERIAL, broker.text())
        # Another secret under the same name.
        pathlib.Path(keys).write_text("%s:%s\n" % (SERIAL, os.urandom(32).hex()))
        other = self.broker("psk_hint camvault\npsk_file %s\nuse_identity_as_username true\n" % keys)
        profile = self.profile(other.broker_port, tls, topic="devices/{serial}/{topic}")
        self.assertEqual(self.send(profile, "events", b"hello")[0], 0)
        self.assertEqual(self.deliver(profile)[0], 69)


if __name__ == "__main__":
    unittest.main(verbosity=2)
