"""A site in network namespaces: a switch whose ports are closed, an authentication server, two networks behind it, cameras.

Nothing is simulated but the switch's hardware: hostapd is the authenticator of each port, FreeRADIUS decides, and a Linux
bridge with locked ports forwards or does not. hostapd's wired driver closes nothing by itself, so this file does what a
switch's firmware does: it opens a port when hostapd says so, closes it otherwise, and starts anew when the cable was pulled.
Everything lies in a folder of the test, and is ended by its process id.
"""
import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

CAMVAULT = os.environ["CAMVAULT"]
KEYSTORED = os.environ["KEYSTORED"]
MODULE = os.environ["CAMVAULT_PKCS11_MODULE"]
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
ETH_P_ALL = 3
SIOCGIFFLAGS = 0x8913
IFF_RUNNING = 0x40
PROVISIONING, PRODUCTION = 10, 20
PROGRAMS = ("hostapd", "freeradius", "wpa_supplicant", "ip", "bridge", "openssl")


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def run(command, timeout=60, data=b"", env=None, cwd=None):
    done = subprocess.run([str(c) for c in command], input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
                          env=env, cwd=cwd)
    return done.returncode, done.stdout.decode(errors="replace")


def must(command, **options):
    code, output = run(command, **options)
    if code != 0:
        raise RuntimeError("%s\nexit code %d\n%s" % (" ".join(map(str, command)), code, output[-3000:]))
    return output


def until(condition, seconds, step=0.02):
    """What the condition gives, as soon as it is true; False after that time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            return False
        time.sleep(step)


class Namespace:
    """A network namespace that lives as long as this object; what is started or opened in `entered()` belongs to it."""

    def __init__(self):
        with open("/proc/thread-self/ns/net") as home:
            if LIBC.unshare(CLONE_NEWNET) != 0:
                raise PermissionError(ctypes.get_errno(), "no network namespace")
            self.file = open("/proc/thread-self/ns/net")
            self._go(home)
        self.path = "/proc/%d/fd/%d" % (os.getpid(), self.file.fileno())

    @staticmethod
    def _go(file):
        if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    @contextlib.contextmanager
    def entered(self):
        with open("/proc/thread-self/ns/net") as home:
            self._go(self.file)
            try:
                yield
            finally:
                self._go(home)

    def ip(self, *lines):
        with self.entered():
            must(["ip", "-batch", "-"], data="\n".join(lines).encode())

    def close(self):
        self.file.close()


def why_not():
    """A reason why no site can be built here, or None."""
    absent = [p for p in PROGRAMS if find(p) is None]
    if absent:
        return "not installed: %s (packaging/packages-test.txt)" % ", ".join(absent)
    if os.geteuid() != 0:
        return "network namespaces and 802.1X need root"
    try:
        space = Namespace()
        try:
            space.ip("link add br0 type bridge", "link add sw0 type veth peer name end0", "link set sw0 master br0", "link set sw0 type bridge_slave locked on learning off")
        finally:
            space.close()
    except (OSError, RuntimeError) as error:
        return "no namespaces, bridges or locked ports here: %s" % str(error).splitlines()[-1]
    return None


class Program:
    """A program beside the test, ended by its id."""

    def __init__(self, command, log, env=None, stdout=None, pass_fds=()):
        self.log = pathlib.Path(log)
        with open(log, "ab") as out:
            self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=out, env=env, pass_fds=pass_fds,
                                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def text(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


class Control:
    """hostapd's control socket."""

    def __init__(self, path, own):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(own))
        self.socket.connect(str(path))
        self.socket.settimeout(5)

    def ask(self, command):
        self.socket.send(command.encode())
        while True:
            answer = self.socket.recv(65536).decode(errors="replace")
            if not answer.startswith("<"):
                return answer

    def close(self):
        self.socket.close()


class Port:
    """A port of the switch: closed until hostapd says that whoever is there has proved himself."""

    def __init__(self, site, name, server):
        self.site, self.name = site, name
        self.opened = []  # (time, mac, vlan)
        self.failures, self.is_open, self.vlan = 0, False, PROVISIONING
        self.ended = threading.Event()
        folder = site.folder / name
        folder.mkdir()
        (folder / "hostapd.conf").write_text(
            (site.source / "packaging/network/hostapd/wired.conf").read_text()
            .replace("interface=swport", "interface=" + name).replace("CHANGE-ME", site.secret).replace("=1812", "=%d" % server).replace("/run/hostapd", str(folder)))
        with site.space.entered():
            self.flags = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.hostapd = Program([find("hostapd"), "-dd", folder / "hostapd.conf"], site.folder / (name + ".hostapd.log"))
        if not until(lambda: (folder / name).exists(), 10):
            raise RuntimeError("hostapd:\n" + self.hostapd.text()[-2000:])
        self.control = Control(folder / name, folder / "ask")
        self.events = Control(folder / name, folder / "events")
        self.events.ask("ATTACH")
        self.events.socket.settimeout(0.05)
        self.mac = None
        self.thread = threading.Thread(target=self._control, daemon=True)
        self.thread.start()

    def _carrier(self):
        request = struct.pack("16sH14x", self.name.encode(), 0)
        return struct.unpack("16sH14x", fcntl.ioctl(self.flags, SIOCGIFFLAGS, request))[1] & IFF_RUNNING != 0

    def _control(self):
        was = self._carrier()
        while not self.ended.is_set():
            now = self._carrier()
            if was and not now:
                self._close()
                if self.mac:
                    self.control.ask("DEAUTHENTICATE " + self.mac)
            was = now
            try:
                event = self.events.socket.recv(65536).decode(errors="replace")
            except socket.timeout:
                continue
            words = event.split(">", 1)[-1].split()
            if words[0] in ("AP-STA-CONNECTED", "CTRL-EVENT-EAP-SUCCESS", "CTRL-EVENT-EAP-SUCCESS2") and len(words) > 1:
                self._open(words[1])
            elif words[0] == "CTRL-EVENT-EAP-STARTED":
                self.mac = words[1]
            elif words[0] in ("CTRL-EVENT-EAP-FAILURE", "CTRL-EVENT-EAP-FAILURE2"):
                self.failures += 1
                self._close()
            elif words[0] == "AP-STA-DISCONNECTED":
                self._close()

    def _vlan(self):
        """Of the last Access-Accept: hostapd shows its attributes in its log, and has no VLANs on a wired port."""
        text = self.hostapd.text()
        at = text.rfind("Attribute 81 (Tunnel-Private-Group-Id)")
        if at < 0:
            return None
        value = text[at:at + 400].split("Value: ", 1)[1].split("\n", 1)[0].strip()
        return int(bytes.fromhex(value).decode()) if not value.startswith("'") else int(value.strip("'"))

    def _open(self, mac):
        vlan = self._vlan()
        if vlan is None or (self.is_open and self.opened[-1][1:] == (mac, vlan)):
            return
        if vlan != self.vlan:
            self.site.space.ip("link set %s master br%d" % (self.name, vlan), "link set %s type bridge_slave locked on learning off" % self.name)
            self.vlan = vlan
        self.mac, self.is_open = mac, True
        self.opened.append((time.monotonic(), mac, vlan))  # before: a frame may be there at once
        with self.site.space.entered():
            must(["bridge", "fdb", "replace", mac, "dev", self.name, "master", "static"])

    def _close(self):
        """The port stays where it is, locked, and knows no address any more that may pass."""
        if self.is_open:
            self.is_open = False
            with self.site.space.entered():
                must(["bridge", "fdb", "del", self.opened[-1][1], "dev", self.name, "master"])

    def stop(self):
        self.ended.set()
        self.thread.join()
        self.hostapd.stop()
        self.control.close()
        self.events.close()
        self.flags.close()


class Listener(threading.Thread):
    """Everything that arrives in one of the networks behind the switch: (time, source address)."""

    def __init__(self, space, interface):
        super().__init__(daemon=True)
        with space.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((interface, 0))
        self.socket.settimeout(0.2)
        self.frames, self.ended = [], False
        self.start()

    def run(self):
        while not self.ended:
            try:
                frame, origin = self.socket.recvfrom(2048)
            except socket.timeout:
                continue
            if origin[2] != 4:  # PACKET_OUTGOING: our own
                self.frames.append((time.monotonic(), ":".join("%02x" % b for b in frame[6:12])))

    def of(self, mac):
        return [when for when, source in list(self.frames) if source == mac]

    def stop(self):
        self.ended = True
        self.join()
        self.socket.close()


class Chatter(threading.Thread):
    """Broadcasts of a camera, all the time: what must not pass a closed port, and must pass an open one."""

    def __init__(self, space, interface="eth0"):
        super().__init__(daemon=True)
        with space.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.socket.bind((interface, 0x88B5))  # IEEE 802: local experimental
        self.mac = ":".join("%02x" % b for b in self.socket.getsockname()[4])
        self.sent, self.ended = [], False
        self.start()

    def run(self):
        frame = b"\xff" * 6 + bytes.fromhex(self.mac.replace(":", "")) + b"\x88\xb5" + b"camera" * 10
        while not self.ended:
            with contextlib.suppress(OSError):  # the port is being restarted
                self.socket.send(frame)
                self.sent.append(time.monotonic())
            time.sleep(0.01)

    def stop(self):
        self.ended = True
        self.join()
        self.socket.close()


class Site:
    """Switch, authentication server, and a PKI; cameras are plugged in."""

    def __init__(self, source):
        self.source = pathlib.Path(source)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="camvault-network-"))
        self.folder.chmod(0o755)  # keystored gives up root's rights
        self.secret = os.urandom(16).hex()
        self.parts = []
        self.ports = 0
        try:
            self.space = Namespace()
            # A VLAN is a bridge of its own: kernels without CONFIG_BRIDGE_VLAN_FILTERING do it, too.
            self.space.ip("link set lo up", *(line.format(vlan) for vlan in (PROVISIONING, PRODUCTION) for line in (
                "link add br{0} type bridge", "link set br{0} up", "link add up{0} type veth peer name net{0}", "link set up{0} master br{0}",
                "link set up{0} up", "link set net{0} up")))
            self.provisioning, self.production = (Listener(self.space, "net%d" % vlan) for vlan in (PROVISIONING, PRODUCTION))
            self.parts += [self.provisioning, self.production]
        except BaseException:
            self.close()
            raise

    def radius(self, folder, env=None):
        """FreeRADIUS with a folder that camvault network radius wrote."""
        with self.space.entered():
            server = Program([find("freeradius"), "-d", folder, "-f", "-l", "stdout"], pathlib.Path(folder) / "radius.log", env=env)
        self.parts.append(server)
        if not until(lambda: "Ready to process requests" in server.text() or server.process.poll() is not None, 20) or server.process.poll() is not None:
            raise RuntimeError("freeradius:\n" + server.text()[-3000:])
        return server

    def plug(self, space, server):
        """A cable from a new port to eth0 of a camera's namespace."""
        name = "sw%d" % self.ports
        self.ports += 1
        # The closed port belongs to the provisioning network already: what keeps frames out is the lock alone.
        self.space.ip("link add %s type veth peer name eth0 netns %s" % (name, space.path), "link set %s master br%d" % (name, PROVISIONING),
                      "link set %s type bridge_slave locked on learning off" % name, "link set %s up" % name)
        space.ip("link set lo up", "link set eth0 up")
        port = Port(self, name, server)
        self.parts.append(port)
        return port

    def close(self):
        for part in reversed(self.parts):
            part.stop()
        with contextlib.suppress(AttributeError):
            self.space.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Keystore:
    """keystored below a root folder."""

    def __init__(self, root, application):
        self.root = pathlib.Path(root)
        (self.root / "etc/camvault").mkdir(parents=True)
        (self.root / "etc/camvault/keystored.toml").write_text(
            '[[application]]\nname = "%s"\nuid = %d\nimport = true\n' % (application, os.geteuid()))
        ready, told = os.pipe()
        os.set_inheritable(told, True)
        self.program = Program([KEYSTORED, "--root", self.root, "--ready-fd", told, "--user", 64242], self.root / "keystored.log", pass_fds=[told])
        os.close(told)
        if not os.read(ready, 16):
            self.stop()
            raise RuntimeError("keystored did not start:\n" + self.program.text())
        os.close(ready)
        self.env = dict(os.environ, CAMVAULT_KEYSTORE_ROOT=str(self.root), PKCS11_MODULE_PATH=MODULE, LC_ALL="C", HOME=str(self.root))
        self.env.pop("OPENSSL_CONF", None)

    def camvault(self, *words):
        return must([CAMVAULT, *words, "--root", self.root])

    def generate(self, name, kind, purpose="device-identity"):
        self.camvault("keystore", "generate", name, "--type", kind, "--purpose", purpose)

    def request(self, name, subject, out):
        must(["openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key", "pkcs11:token=Camvault;object=" + name.replace("/", "%2F"),
              "-subj", subject, "-out", out], env=self.env)

    def stop(self):
        self.program.stop()


class Camera:
    """A camera's root folder, its keystore, its cable; `camvault network run` is started by start()."""

    def __init__(self, site, name):
        self.site = site
        self.root = site.folder / name
        self.root.mkdir()
        self.keystore = Keystore(self.root, "camera")
        site.parts.append(self.keystore)
        self.identity = self.root / "var/lib/camvault/identity"
        self.identity.mkdir(parents=True, exist_ok=True)
        self.space = Namespace()
        self.states, self.program = [], None

    def plug(self, server=1812):
        """A cable to a port of the switch that asks the authentication server there."""
        self.port = self.site.plug(self.space, server)

    def start(self, env=(), *options):
        self.chatter = Chatter(self.space)
        self.site.parts.append(self.chatter)
        self.began = time.monotonic()
        with self.space.entered():
            self.program = Program([CAMVAULT, "network", "run", "--root", self.root, "--json", "--log", self.root / "wpa.log", "--wpa-supplicant",
                                    find("wpa_supplicant"), "--pkcs11-module", MODULE, *options], self.root / "network.log",
                                   env=dict(self.keystore.env, **dict(env)), stdout=subprocess.PIPE)
        self.site.parts.append(self.program)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        for line in self.program.process.stdout:
            self.states.append((time.monotonic(), json.loads(line)))

    def reached(self, phase, seconds=20, **wanted):
        """The first state of that phase, with these fields of the identity; waits for it."""
        def there():
            return next(((when, s) for when, s in self.states if s["phase"] == phase and all((s["identity"] or {}).get(k) == v for k, v in wanted.items())), None)
        return until(there, seconds)

    def log(self):
        lines = [(self.root / n).read_text(errors="replace")[-3000:] for n in ("network.log", "wpa.log") if (self.root / n).exists()]
        return "\n".join([json.dumps(s) for _, s in self.states] + lines)
