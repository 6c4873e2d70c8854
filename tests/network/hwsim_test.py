"""Wi-Fi over simulated radios in a guest: WPA2-PSK with a passphrase in keystored, EAP-TLS with a key there; access points of somebody
else's under the same name. NA-2.5-1, NA-2.5-2"""
import io
import json
import pathlib
import tarfile
import tempfile
import unittest

import guest
import lab
import pki
from lab import must
from wifi_test import KEY, PASSPHRASE, SSID

LIMIT = 900  # seconds for all of the guest, which is emulated
MEMBER = ("provisioning", "production", "connected")
SERVER_NAME = "radius.onboarding.test"
ROGUE_ADDRESS = "02:00:00:00:00:00"  # of mac80211_hwsim's first radio


class Radio(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = guest.why_not() or lab.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        temporary = tempfile.TemporaryDirectory(prefix="camvault-guest-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.folder.chmod(0o755)

    def prepare(self, machine):
        """The camera as it left the factory, and an access point with an authentication server of its own."""
        root = machine.tree / "srv/camera"
        root.mkdir(parents=True)
        keystore = lab.Keystore(root, "camera")
        try:
            must([lab.CAMVAULT, "keystore", "secret", "set", "camera/wifi", "--purpose", "wifi-psk", "--root", root], data=PASSPHRASE + b"\n")
            keystore.generate("camera/idevid", "ec-p256")
            keystore.request("camera/idevid", "/CN=x", self.folder / "request.pem")
        finally:
            keystore.stop()
        device_ca, network_ca = pki.Authority(pki.name("Device CA")), pki.Authority(pki.name("Onboarding CA"))
        certificate = device_ca.issue(pki.name("Camera CAM-1", serial="CAM-1"), pki.requested_key(self.folder / "request.pem"))
        identity = root / "var/lib/camvault/identity"
        identity.mkdir(parents=True)
        (identity / "idevid-chain.pem").write_bytes(pki.pem(certificate, device_ca.certificate))
        (root / "etc/camvault/ca.pem").write_bytes(pki.pem(network_ca.certificate))
        access_point = machine.tree / "ap"
        access_point.mkdir()
        network_ca.server(access_point, "genuine", SERVER_NAME)
        pki.Authority(pki.name("Onboarding CA")).server(access_point, "rogue", SERVER_NAME)  # of somebody else, under the same names
        (access_point / "device-ca.pem").write_bytes(pki.pem(device_ca.certificate))
        (access_point / "users").write_text("* TLS\n")
        ssid = SSID.decode()
        (access_point / "network-psk.toml").write_text('[wifi]\nssid = "%s"\nkey = "camera/wifi"\n' % ssid)
        (access_point / "network-eap.toml").write_text('[wifi]\nssid = "%s"\n[server]\nanchors = "ca.pem"\nnames = ["%s"]\n' % (ssid, SERVER_NAME))

        def configure(name, radio, words):
            (access_point / (name + ".conf")).write_text(
                "interface=%s\ndriver=nl80211\nssid=%s\nhw_mode=g\nchannel=1\nwpa=2\nrsn_pairwise=CCMP\nieee80211w=1\n"
                "ctrl_interface=/run/hostapd\n%s" % (radio, ssid, words))
        passphrase = "wpa_key_mgmt=WPA-PSK\nwpa_passphrase=%s\n"
        server = ("wpa_key_mgmt=WPA-EAP\nieee8021x=1\neap_server=1\neap_user_file=/ap/users\nca_cert=/ap/device-ca.pem\n"
                  "server_cert=/ap/%s.pem\nprivate_key=/ap/%s.key\n")
        better = "ieee80211n=1\nwmm_enabled=1\n"  # what wpa_supplicant prefers, where it has the choice
        for name, radio in (("", "wlan0"), ("genuine-", "wlan2")):
            configure(name + "psk", radio, passphrase % PASSPHRASE.decode())
            configure(name + "eap", radio, server % ("genuine", "genuine"))
        configure("rogue-psk", "wlan0", better + passphrase % "another passphrase")
        configure("rogue-eap", "wlan0", better + server % ("rogue", "rogue"))

    def boot(self):
        """What the guest printed, and what is on the camera's disk after that: keystore, configuration, logs, states."""
        kernel, modules = guest.find_kernel("mac80211_hwsim")
        machine = guest.Guest(self.folder / "guest")
        for name in ("ctr", "ccm", "gcm", "cmac"):
            machine.module(name, modules)
        machine.module("mac80211_hwsim", modules, "radios=3")
        self.prepare(machine)
        machine.add(lab.CAMVAULT, "/usr/bin/camvault")
        machine.add(lab.KEYSTORED, "/usr/sbin/keystored")
        machine.add(lab.MODULE)
        machine.add(lab.find("hostapd"), "/usr/sbin/hostapd")
        machine.add(lab.find("hostapd_cli"), "/usr/sbin/hostapd_cli")
        machine.add(lab.find("wpa_supplicant"), "/sbin/wpa_supplicant")
        # The engine takes wpa_supplicant to keystored. Without the legacy provider neither it nor hostapd begins any TLS: they load it
        # by name at their start, and OpenSSL then takes the absence of one for the absence of all.
        for option, library in (("-e", "pkcs11.so"), ("-m", "legacy.so")):
            machine.add(pathlib.Path(must(["openssl", "version", option]).split('"')[1]) / library)
        for name in ("/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf"):
            if pathlib.Path(name).exists():
                machine.add(name)
        script = pathlib.Path(__file__).with_name("hwsim_guest.sh").read_text()
        output, disk = machine.run(kernel, "MODULE='%s'\n%s" % (lab.MODULE, script), LIMIT)
        print("\n".join(line for line in output.splitlines() if line.startswith("GUEST:")))
        if "GUEST: up" not in output:
            self.skipTest("no guest boots here within %d s: %s" % (LIMIT, output[-300:]))
        self.assertIn("GUEST: done", output, output[-6000:])
        return output, disk

    def test_joins_by_passphrase_and_by_certificate_and_no_rogue(self):
        output, disk = self.boot()
        with tarfile.open(fileobj=io.BytesIO(disk)) as archive:
            self.files = {member.name.split("/", 1)[1]: archive.extractfile(member).read().decode(errors="replace")
                          for member in archive.getmembers() if member.isfile()}
        try:
            self.assert_member("psk", "psk", "connected")
            self.assert_member("eap", "eap", "provisioning")
            self.assertEqual(self.file("wpa-eap.log").count("CTRL-EVENT-CONNECTED"), 2)
            self.assertEqual(self.file("port-eap-back-provisioning"), "exit 0\nwlan1 up\n")
            # Another authority's certificate under the right names, and another passphrase.
            self.assert_outdone("rogue-eap", "genuine-eap", "server-refused", "provisioning",
                                "the authentication server is not believed: (unable to get local issuer|self.signed)")
            self.assert_outdone("rogue-psk", "genuine-psk", "refused", "connected", "the access point does not know the passphrase")
            for case in ("rogue-eap", "rogue-psk"):
                self.assertIn("GUEST: %s is still there" % case, output)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, output[-12000:])) from error
        for secret in (PASSPHRASE, PASSPHRASE.hex().encode(), KEY, KEY.hex().encode(), KEY.hex().upper().encode()):
            self.assertNotIn(secret, disk)

    def file(self, name):
        self.assertIn(name, self.files, "the guest did not get there")
        return self.files[name]

    def assert_member(self, case, access_point, phase):
        """The camera's status, the access point, the kernel and frames agree about it."""
        self.assertEqual(json.loads(self.file("status-%s-%s" % (case, phase)))["phase"], phase)
        self.assertEqual(self.file("port-%s-%s" % (case, phase)), "exit 0\nwlan1 up\n")
        self.assertIn("AP-STA-CONNECTED", self.file("hostapd-%s.log" % access_point))
        self.assertRegex(self.file("asked-%s-inside" % case), "Received 1 response")

    def assert_outdone(self, rogue, genuine, refusal, phase, reason):
        """The rogue was tried, named and left, with nothing opened and nothing passed; then the genuine one, although the rogue stayed."""
        status = json.loads(self.file("status-%s-%s" % (rogue, refusal)))
        self.assertEqual((status["phase"], status["server"]), (refusal, ""))
        self.assertRegex(status["reason"], reason)
        self.assertIn("access point " + ROGUE_ADDRESS, status["reason"])
        code, port = self.file("port-%s-%s" % (rogue, refusal)).splitlines()
        self.assertEqual(code, "exit 1")
        self.assertNotEqual(port, "wlan1 up")
        log = self.file("hostapd-%s.log" % rogue)
        self.assertIn("IEEE 802.11: associated", log, "it was never tried")
        self.assertNotIn("AP-STA-CONNECTED", log)
        self.assertEqual(self.file("joined-%s-rogue" % rogue), "0\n")
        asked = self.file("asked-%s-rogue" % rogue)
        self.assertGreater(asked.count("Sent 1 probe"), 4, asked)
        self.assertNotRegex(asked, "Received [1-9]")
        phases = [json.loads(line)["phase"] for line in self.file("states-" + rogue).splitlines()]
        self.assertIn(refusal, phases)
        self.assertEqual([p for p in phases if p in MEMBER], [phase])
        self.assertEqual(phases[-1], phase)
        self.assert_member(rogue, genuine, phase)
        print("%s: %s (%s), 0 of %d frames answered; then %s" % (rogue, refusal, status["reason"], asked.count("Sent 1 probe"), phase))


if __name__ == "__main__":
    unittest.main(verbosity=2)
