#!/usr/bin/env python3
"""Evidence of where a key lives, with the real programs: a TPM in software with the endorsement certificate of a
maker of the test's own, two keystoreds, a factory that enrols the TPM's attestation key, and somebody who checks.

AX-4.1-3, NA-2.3-1, NA-2.3-2: each refusal by its name. Also what a keystore has besides keys, at the command line.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from cli_case import annex_b, stream

CAMVAULT = os.environ["CAMVAULT"]
KEYSTORED = os.environ["KEYSTORED"]
SIMULATOR = os.environ.get("SE05X_SIM", "")
NONCE = "00112233445566778899aabbccddeeff"
NEEDED = ("swtpm", "swtpm_setup", "certtool")


def run(*arguments, data=None):
    return subprocess.run([CAMVAULT, *map(str, arguments)], capture_output=True, timeout=280, input=data,
                          stdin=subprocess.DEVNULL if data is None else None)


def wait_for(path):
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.05)
    raise RuntimeError(f"{path} does not appear")


class Machine:
    """A keystored, and the swtpm behind it if it has one."""

    def __init__(self, root, application, tpm_maker=None, element=False):
        self.root = root
        self.programs = []
        for folder in ("etc/camvault", "run/camvault", "var/lib/camvault/identity"):
            (root / folder).mkdir(parents=True)
        lines = f'[[application]]\nname = "{application}"\nuid = {os.geteuid()}\nimport = true\n'
        if tpm_maker is not None:
            self.make_tpm(tpm_maker)
            lines += f'[[backend]]\ntype = "tpm2"\ntcti = "swtpm:path={root}/tpm"\n[[backend]]\ntype = "software"\n'
        if element:
            self.programs.append(subprocess.Popen([SIMULATOR, "--listen", f"unix:{root}/element", "--state", root / "element-state"],
                                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait_for(root / "element")
            lines += f'[[backend]]\ntype = "se05x"\nbus = "sim:unix:{root}/element"\n[[backend]]\ntype = "software"\n'
        config = root / "etc/camvault/keystored.toml"
        config.write_text(lines)
        config.chmod(0o600)
        self.start()

    def start(self):
        read_end, write_end = os.pipe()
        with open(self.root / "log", "wb") as log:
            self.programs.append(subprocess.Popen([KEYSTORED, "--root", self.root, "--ready-fd", str(write_end)],
                                                  pass_fds=[write_end], stderr=log))
        os.close(write_end)
        ready = os.read(read_end, 64)
        os.close(read_end)
        assert ready, (self.root / "log").read_bytes()

    def restart(self, configuration):
        """With another configuration; what stands behind keystored goes on."""
        keystored = self.programs.pop()
        keystored.terminate()
        keystored.wait(timeout=20)
        (self.root / "etc/camvault/keystored.toml").write_text(configuration)
        self.start()

    def make_tpm(self, maker):
        state = self.root / "tpm-state"
        state.mkdir()
        subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", state, "--create-ek-cert", "--overwrite", "--config",
                        maker / "setup.conf"], check=True, capture_output=True)
        socket = self.root / "tpm"
        self.programs.append(subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--server", f"type=unixio,path={socket}",
             "--ctrl", f"type=unixio,path={socket}.ctrl", "--flags", "not-need-init,startup-clear"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(socket)
        wait_for(pathlib.Path(f"{socket}.ctrl"))

    def stop(self):
        for program in reversed(self.programs):
            program.terminate()
            program.wait(timeout=20)
        self.programs.clear()


def make_maker(folder):
    """Who signs endorsement certificates: swtpm's local CA, in a folder of the test's own."""
    folder.mkdir()
    (folder / "ca").mkdir()
    (folder / "localca.conf").write_text(
        f"statedir = {folder}/ca\nsigningkey = {folder}/ca/signkey.pem\nissuercert = {folder}/ca/issuercert.pem\n"
        f"certserial = {folder}/ca/certserial\n")
    (folder / "localca.options").write_text("--platform-manufacturer Test\n--platform-version 1\n--platform-model swtpm\n")
    (folder / "setup.conf").write_text(
        f"create_certs_tool = {shutil.which('swtpm_localca')}\ncreate_certs_tool_config = {folder}/localca.conf\n"
        f"create_certs_tool_options = {folder}/localca.options\nactive_pcr_banks = sha256\n")
    return folder


class Base(unittest.TestCase):
    def ok(self, *arguments, data=None):
        result = run(*arguments, data=data)
        self.assertEqual(result.returncode, 0, result.stderr.decode())
        return result.stdout.decode()


@unittest.skipUnless(all(map(shutil.which, NEEDED)), "not installed here: " + ", ".join(n for n in NEEDED if not shutil.which(n)))
class Attest(Base):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="camvault-attest-")
        cls.path = pathlib.Path(cls.folder.name)
        cls.machines = []
        cls.maker = make_maker(cls.path / "maker")
        cls.factory = cls.machine("factory", "factory")
        cls.camera = cls.machine("one", "camera", cls.maker)
        cls.other = cls.machine("two", "camera", cls.maker)
        makers = cls.path / "makers.pem"
        makers.write_bytes(b"".join((cls.maker / "ca" / name).read_bytes()
                                    for name in ("issuercert.pem", "swtpm-localca-rootca-cert.pem")))
        cls.makers = makers
        cls.root_ca = cls.factory.root / "var/lib/camvault/factory/root-ca.pem"
        for arguments in (["init", "--root", cls.factory.root, "--organization", "Test Cameras"],
                          ["provision", "--root", cls.factory.root, "--camera-root", cls.camera.root, "--serial", "T-1", "--identities", "none"],
                          ["provision", "--root", cls.factory.root, "--camera-root", cls.other.root, "--serial", "T-2", "--identities", "none"]):
            result = run("factory", *arguments)
            assert result.returncode == 0, result.stderr
        # The first camera's TPM is enrolled, the second's is not.
        cls.before = cls.evidence(cls.camera, "before.evidence")
        result = cls.enroll(cls.camera, "T-1")
        assert result.returncode == 0, result.stderr
        cls.enrolled = result.stdout.decode()

    @classmethod
    def tearDownClass(cls):
        for machine in reversed(cls.machines):
            machine.stop()
        cls.folder.cleanup()

    @classmethod
    def machine(cls, name, application, maker=None):
        machine = Machine(cls.path / name, application, maker)
        cls.machines.append(machine)
        return machine

    @classmethod
    def enroll(cls, machine, serial, makers=None):
        return run("factory", "enroll", "--root", cls.factory.root, "--camera-root", machine.root, "--serial", serial,
                   "--module-trust", makers or cls.makers)

    @classmethod
    def evidence(cls, machine, name, key="camera/media-signing"):
        result = run("keystore", "attest", key, "--root", machine.root, "--nonce", NONCE, "--out", cls.path / name)
        assert result.returncode == 0, result.stderr
        return cls.path / name

    def judged(self, file, *more, nonce=NONCE):
        result = run("attest", "verify", file, "--trust", self.root_ca, "--nonce", nonce, "--json", *more)
        self.assertIn(result.returncode, (0, 1), result.stderr.decode())
        report = json.loads(result.stdout)
        self.assertEqual(report["believed"], result.returncode == 0)
        return report

    def chain(self, machine):
        return machine.root / "var/lib/camvault/identity/media-signing-chain.pem"

    def test_an_enrolled_tpm_is_believed(self):
        self.assertIn("SIMULATOR", self.enrolled)
        report = self.judged(self.evidence(self.camera, "good.evidence"), "--key", self.chain(self.camera), "--made-inside")
        self.assertTrue(report["believed"], report)
        self.assertEqual((report["word_of"], report["module"], report["origin"], report["simulator"]),
                         ("module", "tpm2", "generated inside", True), report)
        text = self.ok("attest", "verify", self.path / "good.evidence", "--trust", self.root_ca, "--nonce", NONCE)
        self.assertIn("BELIEVED", text)
        self.assertIn("SIMULATOR", text)

    def test_an_ak_without_an_ek_chain_is_refused_by_name(self):
        self.assertEqual(self.judged(self.before)["refusal"], "ak-without-ek-chain")
        self.assertEqual(self.judged(self.evidence(self.other, "other.evidence"))["refusal"], "ak-without-ek-chain")
        # A maker whom the factory does not know.
        result = self.enroll(self.other, "T-2", self.root_ca)
        self.assertEqual(result.returncode, 65, result.stderr)
        self.assertIn(b"ak-without-ek-chain", result.stderr)
        self.assertEqual(self.enroll(self.other, "T-9").returncode, 65)  # never provisioned

    def test_a_replayed_nonce_is_refused_by_name(self):
        good = self.evidence(self.camera, "replay.evidence")
        self.assertEqual(self.judged(good, nonce="ff" * 16)["refusal"], "replayed-nonce")

    def test_evidence_of_another_devices_key_is_refused_by_name(self):
        good = self.evidence(self.camera, "mine.evidence")
        self.assertEqual(self.judged(good, "--key", self.chain(self.other))["refusal"], "another-key")
        self.assertEqual(self.judged(self.evidence(self.other, "theirs.evidence"), "--key", self.chain(self.camera))["refusal"],
                         "another-key")

    def test_an_imported_key_claimed_as_generated_is_refused_by_name(self):
        # A key of the software backend that moved into the TPM was outside of it.
        for key in ("generate camera/tls --purpose tls --backend software", "move camera/tls --backend tpm2"):
            self.ok("keystore", *key.split(), "--root", self.camera.root)
        file = self.evidence(self.camera, "moved.evidence", "camera/tls")
        self.assertEqual(self.judged(file)["origin"], "imported")
        self.assertEqual(self.judged(file, "--made-inside")["refusal"], "imported-as-made")

    def test_signed_video_carries_the_modules_word(self):
        clip = self.path / "raw.h264"
        clip.write_bytes(annex_b(stream()))
        for machine, standing in ((self.camera, "vouched"), (self.other, "own_word")):
            out = self.path / "signed.h264"
            self.ok("sign", clip, out, "--root", machine.root)
            report = json.loads(self.ok("verify", out, "--trust", self.root_ca, "--json"))
            found = {a["kind"]: a for a in report["attestations"]}
            self.assertEqual((found["tpm2"]["standing"], found["tpm2"]["origin"], found["keystored"]["standing"]),
                             (standing, "generated inside", "vouched"), report["attestations"])
            out.unlink()

    def test_software_says_so_itself_and_is_the_weaker_kind(self):
        self.ok("keystore", "generate", "camera/soft", "--purpose", "media-signing", "--backend", "software", "--root", self.camera.root)
        report = self.judged(self.evidence(self.camera, "soft.evidence", "camera/soft"))
        self.assertEqual((report["word_of"], report["refusal"]), ("keystored", "attester-unknown"), report)
        self.assertIn("a program", report["reason"])

    def test_exit_codes(self):
        good = self.evidence(self.camera, "codes.evidence")
        trust = ["--trust", self.root_ca]
        self.assertEqual(run("attest", "verify", good, *trust, "--nonce", NONCE).returncode, 0)
        self.assertEqual(run("attest", "verify", good, *trust, "--nonce", "00" * 16).returncode, 1)
        self.assertEqual(run("attest", "verify", good, *trust, "--nonce", "00").returncode, 64)
        self.assertEqual(run("attest", "verify", good, "--nonce", NONCE).returncode, 64)
        self.assertEqual(run("attest", "verify", self.root_ca, *trust, "--nonce", NONCE).returncode, 65)
        half = self.path / "half.evidence"
        half.write_bytes(good.read_bytes()[:200])
        self.assertEqual(run("attest", "verify", half, *trust, "--nonce", NONCE).returncode, 65)
        self.assertEqual(run("attest", "verify", self.path / "none", *trust, "--nonce", NONCE).returncode, 65)

    def test_counters_and_sealing_in_the_tpm(self):
        root = ["--root", self.camera.root]
        self.ok("keystore", "generate", "camera/rollback", "--type", "counter", "--purpose", "rollback-protection", *root)
        before = json.loads(self.ok("keystore", "counter", "read", "camera/rollback", "--json", *root))
        after = json.loads(self.ok("keystore", "counter", "increment", "camera/rollback", "--json", *root))
        self.assertEqual((after["value"], after["stand_in"], after["simulator"]), (before["value"] + 1, False, True))
        self.ok("keystore", "seal", "camera/disk", "--out", self.path / "sealed", *root, data=b"disk key\n")
        self.assertEqual(self.ok("keystore", "unseal", "camera/disk", "--in", self.path / "sealed", *root), "disk key\n")
        self.assertEqual(run("keystore", "unseal", "camera/other", "--in", self.path / "sealed", *root).returncode, 65)
        self.assertNotIn(b"disk key", (self.path / "sealed").read_bytes())

    def test_the_claims_call_the_simulator_a_simulator(self):
        claims = json.loads(self.ok("status", "--claims", "--json", "--root", self.camera.root))
        tpm = next(c for c in claims["claims"] if c["subject"].endswith("in tpm2"))
        self.assertEqual(tpm["strength"], "simulator")
        self.assertNotIn("hardware", {c["strength"] for c in claims["claims"]})
        self.assertTrue(claims["not_claimed"])


@unittest.skipUnless(SIMULATOR, "not built here: camvault-se05x-sim")
class Element(Base):
    """The same with a simulated SE05x, whose maker is the simulator itself."""

    def test_an_attested_read_is_believed_once_the_factory_knows_the_element(self):
        with tempfile.TemporaryDirectory(prefix="camvault-element-") as folder:
            path = pathlib.Path(folder)
            factory, camera = Machine(path / "factory", "factory"), Machine(path / "camera", "camera", element=True)
            self.addCleanup(factory.stop)
            self.addCleanup(camera.stop)
            self.ok("factory", "init", "--root", factory.root, "--organization", "Test Cameras")
            self.ok("factory", "provision", "--root", factory.root, "--camera-root", camera.root, "--serial", "E-1", "--identities", "none")
            root_ca = factory.root / "var/lib/camvault/factory/root-ca.pem"
            attest = ["keystore", "attest", "camera/media-signing", "--root", camera.root, "--nonce", NONCE, "--out", path / "evidence"]
            judge = ["attest", "verify", path / "evidence", "--trust", root_ca, "--nonce", NONCE, "--json"]
            self.ok(*attest)
            result = run(*judge)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertEqual(json.loads(result.stdout)["refusal"], "attester-unknown")
            maker = path / "maker.pem"
            maker.write_bytes(self.certificate_in((path / "evidence").read_bytes()))
            result = run("factory", "enroll", "--root", factory.root, "--camera-root", camera.root, "--serial", "E-1", "--module-trust", root_ca)
            self.assertEqual(result.returncode, 65, result.stderr)
            self.assertIn("SIMULATOR", self.ok("factory", "enroll", "--root", factory.root, "--camera-root", camera.root,
                                               "--serial", "E-1", "--module-trust", maker))
            self.ok(*attest)
            report = json.loads(self.ok(*judge, "--made-inside"))
            self.assertEqual((report["module"], report["origin"], report["simulator"]), ("se05x", "generated inside", True), report)

    def certificate_in(self, evidence):
        """The element's own certificate, which came with the evidence; a maker has it from the element's maker."""
        at = -1
        while (at := evidence.find(b"\x30\x82", at + 1)) >= 0:
            size = 4 + int.from_bytes(evidence[at + 2:at + 4], "big")
            made = subprocess.run(["openssl", "x509", "-inform", "DER"], input=evidence[at:at + size], capture_output=True)
            if made.returncode == 0 and size <= len(evidence) - at:
                return made.stdout
        self.fail("no certificate came along")


class Values(Base):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="camvault-values-")
        cls.path = pathlib.Path(cls.folder.name)
        cls.machine = Machine(cls.path / "camera", "camera")
        cls.root = ["--root", cls.machine.root]

    @classmethod
    def tearDownClass(cls):
        cls.machine.stop()
        cls.folder.cleanup()

    def test_secrets_come_from_standard_input_and_never_out(self):
        self.ok("keystore", "secret", "set", "camera/admin", *self.root, data=b"correct horse\n")
        self.assertEqual(self.ok("keystore", "secret", "compare", "camera/admin", *self.root, data=b"correct horse"), "yes\n")
        result = run("keystore", "secret", "compare", "camera/admin", *self.root, data=b"wrong")
        self.assertEqual((result.returncode, result.stdout), (1, b"no\n"))
        self.assertEqual(run("keystore", "secret", "set", "camera/none", *self.root, data=b"").returncode, 64)
        self.assertEqual(run("keystore", "secret", "set", "camera/long", *self.root, data=b"x" * 200).returncode, 64)
        for word in ("correct horse", "correct", "horse"):  # neither arguments nor files hold it
            found = subprocess.run(["grep", "-rlF", word, self.machine.root], capture_output=True)
            self.assertEqual(found.stdout, b"")

    def test_too_many_wrong_tries_are_69(self):
        self.ok("keystore", "secret", "set", "camera/pin", *self.root, data=b"2580")
        codes = [run("keystore", "secret", "compare", "camera/pin", *self.root, data=b"0000").returncode for _ in range(7)]
        self.assertEqual(codes[:6], [1] * 6)
        self.assertEqual(codes[6], 69)

    def test_a_wifi_key_is_derived(self):
        self.ok("keystore", "secret", "set", "camera/wifi", "--purpose", "wifi-psk", *self.root, data=b"password")
        self.assertEqual(self.ok("keystore", "secret", "derive", "camera/wifi", "--kdf", "wpa-psk", "--ssid", "IEEE", *self.root),
                         "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n")
        self.assertEqual(run("keystore", "secret", "derive", "camera/wifi", *self.root).returncode, 77)

    def test_a_counter_in_software_is_called_a_stand_in(self):
        self.ok("keystore", "generate", "camera/count", "--type", "counter", "--purpose", "rollback-protection", *self.root)
        result = run("keystore", "counter", "increment", "camera/count", *self.root)
        self.assertEqual(result.stdout, b"1\n")
        self.assertIn(b"stand-in", result.stderr)
        claims = json.loads(self.ok("status", "--claims", "--json", *self.root))
        counter = next(c for c in claims["claims"] if "camera/count" in c["subject"])
        self.assertEqual(counter["strength"], "none")
        self.assertIn("stand-in", self.ok("status", "--claims", *self.root))
        self.assertEqual(run("keystore", "seal", "camera/x", "--out", self.path / "x", *self.root, data=b"x").returncode, 65)

    def test_without_an_owner_there_is_no_backup(self):
        self.ok("keystore", "generate", "camera/tls", "--purpose", "tls", "--allow-backup", *self.root)
        self.assertEqual(run("keystore", "backup", "camera/tls", "--out", self.path / "b", *self.root).returncode, 77)
        self.assertEqual(run("keystore", "generate", "camera/id", "--purpose", "device-identity", "--allow-backup", *self.root).returncode, 64)


class Backup(Base):
    """A key goes to its owner, whom the configuration names, and comes back."""

    def test_there_and_back(self):
        with tempfile.TemporaryDirectory(prefix="camvault-backup-") as folder:
            path = pathlib.Path(folder)
            for who in ("owner", "other"):
                subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={who}", "-days", "30",
                                "-keyout", f"{who}.key", "-out", f"{who}.pem"], cwd=path, check=True, capture_output=True)
            (path / "owner.pem").chmod(0o644)
            machine = Machine(path / "camera", "camera")
            machine.stop()
            config = machine.root / "etc/camvault/keystored.toml"
            config.write_text(config.read_text() + f'backup_owner = "{path}/owner.pem"\n')
            self.addCleanup(machine.stop)
            machine.start()
            root = ["--root", machine.root]
            self.ok("keystore", "secret", "set", "camera/wifi", "--purpose", "wifi-psk", "--allow-backup", *root, data=b"password")
            self.ok("keystore", "backup", "camera/wifi", "--out", path / "wifi.backup", *root)
            self.assertNotIn(b"password", (path / "wifi.backup").read_bytes())
            self.ok("keystore", "delete", "camera/wifi", *root)
            owner = ["--owner-key", path / "owner.key", "--owner-cert", path / "owner.pem"]
            wrong = ["--owner-key", path / "other.key", "--owner-cert", path / "other.pem"]
            self.assertEqual(run("keystore", "restore", path / "wifi.backup", *wrong, *root).returncode, 65)
            (path / "half").write_bytes((path / "wifi.backup").read_bytes()[:-20])
            self.assertEqual(run("keystore", "restore", path / "half", *owner, *root).returncode, 65)
            back = json.loads(self.ok("keystore", "restore", path / "wifi.backup", *owner, *root, "--json"))
            self.assertEqual((back["name"], back["origin"], back["purpose"]), ("camera/wifi", "imported", "wifi-psk"))
            self.assertEqual(self.ok("keystore", "secret", "derive", "camera/wifi", "--kdf", "wpa-psk", "--ssid", "IEEE", *root),
                             "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
