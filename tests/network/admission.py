"""What the suites of this folder share: a maker, an owner, their authentication servers, and cameras with identities."""
import contextlib
import json
import pathlib
import shutil
import threading
import unittest

import lab
import pki
from lab import must

SOURCE = pathlib.Path(__file__).resolve().parents[2]
RADIUS_NAME = "radius.onboarding.test"


def chain_file(key):
    return key.split("/", 1)[1] + "-chain.pem"


class Admission(unittest.TestCase):
    """One site for all tests of a class. Subclasses say what they need of it in set_up_site()."""

    @classmethod
    def setUpClass(cls):
        reason = lab.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.site = lab.Site(SOURCE)
        cls.addClassCleanup(cls.site.close)
        cls.root = pki.Authority(pki.name("Device Root CA"))
        cls.device_ca = pki.Authority(pki.name("Device CA"), cls.root)
        cls.owner = pki.Authority(pki.name("Owner CA", "Test owner"))
        cls.network_ca = pki.Authority(pki.name("Onboarding CA"))
        cls.lock = threading.Lock()
        cls.set_up_site()

    @classmethod
    def set_up_site(cls):
        pass

    # The maker's half of a camera in factory-default state: what its firmware brings, and its identities.
    @classmethod
    def factory_default(cls, camera, command=None):
        share = camera.root / "usr/share/camvault"
        share.mkdir(parents=True)
        (share / "onboarding-ca.pem").write_bytes(pki.pem(cls.network_ca.certificate))
        (share / "network.toml").write_text(
            '[server]\nanchors = "onboarding-ca.pem"\nnames = ["%s"]\n' % RADIUS_NAME
            + ("[provisioning]\ncommand = [%s]\n" % ", ".join('"%s"' % word for word in command) if command else ""))

    @classmethod
    def identity(cls, camera, serial, key="camera/idevid", authority=None, subject=None, **times):
        """A key in the camera's keystore, and a certificate for it."""
        camera.keystore.generate(key, "ec-p256")
        request = camera.root / "request.pem"
        camera.keystore.request(key, "/serialNumber=" + serial, request)
        authority = authority or cls.device_ca
        certificate = authority.issue(subject or pki.name("Camera " + serial, serial=serial), pki.requested_key(request), **times)
        (camera.identity / chain_file(key)).write_bytes(pki.pem(certificate, authority.certificate))
        return certificate

    @classmethod
    def ldevid(cls, camera, serial, **times):
        return cls.identity(camera, serial, "camera/ldevid", cls.owner, pki.name("Camera " + serial, "Test owner", serial), **times)

    @classmethod
    def server(cls, name, serials, port=1812, server=None, change=None, env=None, factory=None, lists=()):
        """FreeRADIUS with what `camvault network radius` writes; `change` edits its radiusd.conf."""
        folder = cls.site.folder / name
        folder.mkdir()
        pki_folder = cls.site.folder / (name + "-pki")
        pki_folder.mkdir()
        if factory:
            makers = ["--factory-root", factory.root]
        else:
            device_ca, device_lists = cls.device_ca.write(pki_folder, "device")
            (pki_folder / "serials").write_text("".join(s + "\n" for s in serials))
            makers = ["--idevid-ca", device_ca, *flags("--idevid-crl", [*device_lists, *lists]), "--serials", pki_folder / "serials"]
        owner_ca, owner_lists = cls.owner.write(pki_folder, "owner")
        certificate, key = server or cls.network_ca.server(pki_folder, "server", RADIUS_NAME)
        said = must([lab.CAMVAULT, "network", "radius", "--json", "--out", folder, *makers, "--owner-ca", owner_ca, *flags("--owner-crl", owner_lists),
              "--server-cert", certificate, "--server-key", key, "--port", port, "--switch", "switch-1=127.0.0.1"])
        said = json.loads(said)
        assert (said["folder"], said["new_switches"], said["production_vlan"]) == (str(folder), 1, 20) and (factory or said["cameras"] == len(serials)), said
        clients = folder / "clients.conf"
        secret = clients.read_text().split("secret = ", 1)[1].split()[0]
        clients.write_text(clients.read_text().replace(secret, cls.site.secret))
        if change:
            conf = folder / "radiusd.conf"
            conf.write_text(change(conf.read_text()))
        return cls.site.radius(folder, env)


def flags(option, values):
    return [word for value in values for word in (option, value)]


def same_keystore(site, name, original):
    """Another camera root that is the same device: same keys, same identities, a cable of its own."""
    twin = lab.Camera.__new__(lab.Camera)
    twin.site, twin.root, twin.keystore = site, site.folder / name, original.keystore
    (twin.root / "run/camvault").mkdir(parents=True)
    (twin.root / "run/camvault/keystored.sock").symlink_to(original.root / "run/camvault/keystored.sock")
    twin.identity = twin.root / "var/lib/camvault/identity"
    shutil.copytree(original.identity, twin.identity)
    twin.space = lab.Namespace()
    twin.states, twin.program = [], None
    return twin


@contextlib.contextmanager
def told(camera):
    """A failure shows what the camera and its port said."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError("%s\n%s\n%s" % (error, camera.log(), camera.port.hostapd.text()[-1500:])) from error
