"""Wi-Fi over simulated radios in a guest: WPA2-PSK with a passphrase in keystored, EAP-TLS with a key there. NA-2.5-1, NA-2.5-2"""
import pathlib
import tempfile
import unittest

import guest
import lab
import pki
from lab import must
from wifi_test import KEY, PASSPHRASE, SSID

LIMIT = 900  # seconds for all of the guest, which is emulated
SCRIPT = """
ip link set lo up; mkdir -p /run/camvault
/usr/sbin/keystored --root /srv/camera --user 64242 > /run/keystored.log 2>&1 &
for i in $(seq 100); do [ -S /srv/camera/run/camvault/keystored.sock ] && break; sleep 0.2; done
join() {  # access point, what the camera is told, phase that is waited for
  cp /ap/network-$2.toml /srv/camera/etc/camvault/network.toml
  /usr/sbin/hostapd -t /ap/$1.conf > /run/hostapd-$1.log 2>&1 & AP=$!
  CAMVAULT_KEYSTORE_ROOT=/srv/camera /usr/bin/camvault network run --wifi --interface wlan1 --json --root /srv/camera --log /srv/camera/wpa.log \\
    --wpa-supplicant /sbin/wpa_supplicant --pkcs11-module %(module)s > /srv/camera/states-$1 2> /run/network-$1.log & RUN=$!
  for i in $(seq 200); do grep -q '"phase":"'$3'"' /srv/camera/states-$1 && break; kill -0 $RUN || break; sleep 1; done
  grep -q '"phase":"'$3'"' /srv/camera/states-$1 && echo "GUEST: $1 $3 after $(cut -d' ' -f1 /proc/uptime) s"
  grep -q AP-STA-CONNECTED /run/hostapd-$1.log && echo "GUEST: $1 the access point agrees"
  cat /srv/camera/states-$1 /run/network-$1.log; tail -n 15 /srv/camera/wpa.log /run/hostapd-$1.log
  kill $RUN; wait $RUN; kill $AP; wait $AP
}
echo "GUEST: up after $(cut -d' ' -f1 /proc/uptime) s"
join psk psk connected
join eap eap provisioning
join rogue eap server-refused
cp -r /run/hostapd-psk.log /srv/camera/ 2>/dev/null
tar c -C /srv camera > /dev/ttyS1
echo "GUEST: done"
"""


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
        network_ca.server(access_point, "server", "radius.onboarding.test")
        pki.Authority(pki.name("Onboarding CA")).server(access_point, "rogue", "radius.onboarding.test")  # of somebody else, under the same names
        (access_point / "device-ca.pem").write_bytes(pki.pem(device_ca.certificate))
        (access_point / "users").write_text("* TLS\n")
        (access_point / "network-psk.toml").write_text('[wifi]\nssid = "%s"\nkey = "camera/wifi"\n' % SSID.decode())
        (access_point / "network-eap.toml").write_text(
            '[wifi]\nssid = "%s"\n[server]\nanchors = "ca.pem"\nnames = ["radius.onboarding.test"]\n' % SSID.decode())
        common = "interface=wlan0\ndriver=nl80211\nssid=%s\nhw_mode=g\nchannel=1\nwpa=2\nrsn_pairwise=CCMP\nieee80211w=1\n" % SSID.decode()
        (access_point / "psk.conf").write_text(common + "wpa_key_mgmt=WPA-PSK\nwpa_passphrase=%s\n" % PASSPHRASE.decode())
        for name, server in (("eap", "server"), ("rogue", "rogue")):
            (access_point / (name + ".conf")).write_text(
                common + "wpa_key_mgmt=WPA-EAP\nieee8021x=1\neap_server=1\neap_user_file=/ap/users\nca_cert=/ap/device-ca.pem\n"
                "server_cert=/ap/%s.pem\nprivate_key=/ap/%s.key\n" % (server, server))

    def test_joins_by_passphrase_and_by_certificate_and_no_rogue(self):
        kernel, modules = guest.find_kernel("mac80211_hwsim")
        machine = guest.Guest(self.folder / "guest")
        for name in ("ctr", "ccm", "gcm", "cmac", "mac80211_hwsim"):
            machine.module(name, modules)
        self.prepare(machine)
        machine.add(lab.CAMVAULT, "/usr/bin/camvault")
        machine.add(lab.KEYSTORED, "/usr/sbin/keystored")
        machine.add(lab.MODULE)
        machine.add(lab.find("hostapd"), "/usr/sbin/hostapd")
        machine.add(lab.find("wpa_supplicant"), "/sbin/wpa_supplicant")
        # The engine takes wpa_supplicant to keystored. Without the legacy provider neither it nor hostapd begins any TLS: they load it
        # by name at their start, and OpenSSL then takes the absence of one for the absence of all.
        for option, library in (("-e", "pkcs11.so"), ("-m", "legacy.so")):
            machine.add(pathlib.Path(must(["openssl", "version", option]).split('"')[1]) / library)
        for name in ("/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf"):
            if pathlib.Path(name).exists():
                machine.add(name)
        output, disk = machine.run(kernel, SCRIPT % {"module": lab.MODULE}, LIMIT)
        print("\n".join(line for line in output.splitlines() if line.startswith("GUEST:")))
        if "GUEST: up" not in output:
            self.skipTest("no guest boots here within %d s: %s" % (LIMIT, output[-300:]))
        for wanted in ("GUEST: psk connected", "GUEST: psk the access point agrees", "GUEST: eap provisioning", "GUEST: eap the access point agrees",
                       "GUEST: rogue server-refused"):
            self.assertIn(wanted, output, output[-6000:])
        self.assertNotIn("GUEST: rogue the access point agrees", output)
        # What is on the camera's disk after that: keystore, configuration, logs, states.
        self.assertGreater(len(disk), 10000)
        self.assertIn(b"states-psk", disk)
        for secret in (PASSPHRASE, PASSPHRASE.hex().encode(), KEY, KEY.hex().encode(), KEY.hex().upper().encode()):
            self.assertNotIn(secret, disk)


if __name__ == "__main__":
    unittest.main(verbosity=2)
