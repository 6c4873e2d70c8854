"""A factory, an owner with fleetd, and cameras: private folders, real daemons, ended by process id."""
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CAMVAULT = os.environ["CAMVAULT"]
KEYSTORED = os.environ["KEYSTORED"]
FLEETD = os.environ["FLEETD"]


def run(*arguments, **options):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=120, **options)


def must(*arguments, **options):
    done = run(*arguments, **options)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


class Daemon:
    """A program that writes a line to a descriptor when it is ready."""

    def __init__(self, program, arguments, log):
        self.program, self.arguments, self.log = program, arguments, log
        self.process, self.said = None, ""

    def start(self):
        read_end, write_end = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, *self.arguments, "--ready-fd", str(write_end)], stdout=log,
                                            stderr=log, pass_fds=[write_end], stdin=subprocess.DEVNULL)
        os.close(write_end)
        ready, _, _ = select.select([read_end], [], [], 60)
        self.said = os.read(read_end, 100).decode().strip() if ready else ""
        os.close(read_end)
        return bool(self.said)

    def stop(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
        if self.process is not None:
            self.process.wait(timeout=60)
        self.process = None


class Place:
    """A folder with a keystored of its own."""

    def __init__(self, folder, application, rule=""):
        self.root = pathlib.Path(folder)
        (self.root / "etc/camvault").mkdir(parents=True)
        self.write("etc/camvault/keystored.toml", f'[[application]]\nname = "{application}"\nuid = {os.getuid()}\n{rule}')
        self.keystored = Daemon(KEYSTORED, ["--root", str(self.root)], self.root / "keystored.log")
        assert self.keystored.start(), self.root / "keystored.log"

    def write(self, name, text):
        path = self.root / name
        path.write_text(text)
        path.chmod(0o644)
        return path


class Rig:
    def __init__(self, database=None, port=0, extra="", before=lambda folder: None):
        """`before` is called with the folder of each place before anything is in it."""
        self.before = before
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="camvault-enrolment-"))
        self.daemons = []
        self.factory = self.place("factory", "factory")
        self.owner = self.place("owner", "fleet")
        must(CAMVAULT, "factory", "init", "--root", self.factory.root, "--organization", "Rig Cameras")
        self.factory_root = self.factory.root / "var/lib/camvault/factory/root-ca.pem"
        self.make_operator()
        self.config = {"listen": "127.0.0.1", "port": port, "names": ["localhost", "127.0.0.1"],
                       "device_anchors": [str(self.factory_root)], "operator_anchors": [str(self.folder / "operators.pem")]}
        if database:
            self.config["database"] = database
        self.extra = extra
        self.fleetd = Daemon(FLEETD, ["--root", str(self.owner.root)], self.folder / "fleetd.log")
        self.daemons.append(self.fleetd)

    def place(self, name, application, rule=""):
        self.before(self.folder / name)
        made = Place(self.folder / name, application, rule)
        self.daemons.append(made.keystored)
        return made

    def configure(self):
        lines = [f"{key} = {json.dumps(value)}" for key, value in self.config.items()]
        self.owner.write("etc/camvault/fleetd.toml", "\n".join(lines) + "\n" + self.extra)

    def start(self):
        self.configure()
        assert self.fleetd.start(), (self.folder / "fleetd.log").read_text()
        self.config["port"] = int(self.fleetd.said)  # the same one after a restart
        return self

    def close(self):
        for daemon in reversed(self.daemons):
            daemon.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"https://localhost:{self.config['port']}"

    @property
    def fleet_ca(self):
        return self.owner.root / "var/lib/camvault/fleetd/ca.pem"

    def make_operator(self):
        f = self.folder
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "op-ca.key",
             "-subj", "/CN=Operators", "-days", "30", "-out", f / "operators.pem")
        (f / "op.ext").write_text("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n")
        must("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "op.key", "-subj",
             "/CN=Olga Operator", "-out", f / "op.csr")
        must("openssl", "x509", "-req", "-in", f / "op.csr", "-CA", f / "operators.pem", "-CAkey", f / "op-ca.key", "-set_serial", "7",
             "-days", "30", "-extfile", f / "op.ext", "-out", f / "op.pem")

    def curl(self, path, *more, cert=None, key=None):
        """(status, body) over mutual TLS; as the operator unless another certificate is named, "" for none."""
        arguments = ["curl", "-sS", "--noproxy", "*", "--cacert", self.fleet_ca, "-w", "\n%{http_code}", *more, self.url + path]
        if cert != "":
            arguments += ["--cert", cert or self.folder / "op.pem", "--key", key or self.folder / "op.key"]
        done = run(*arguments)
        if done.returncode != 0:
            return 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def api(self, path, value=None):
        more = [] if value is None else ["-H", "Content-Type: application/json", "-d", json.dumps(value)]
        status, body = self.curl("/api/v1/" + path, *more)
        assert status == 200, (status, body)
        return json.loads(body)

    def device_in_files(self, serial, extensions=""):
        """A device of another maker, which the owner's fleetd believes from now on: for requests without any code of ours."""
        f = self.folder
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "maker.key",
             "-subj", "/CN=Other maker", "-days", "30", "-out", f / "maker.pem")
        must("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "dev.key", "-subj",
             f"/CN=Device/serialNumber={serial}", "-out", f / "dev.csr")
        (f / "dev.ext").write_text(extensions)
        must("openssl", "x509", "-req", "-in", f / "dev.csr", "-CA", f / "maker.pem", "-CAkey", f / "maker.key", "-set_serial", "9",
             "-days", "30", *(["-extfile", f / "dev.ext"] if extensions else []), "-out", f / "dev.pem")
        self.config["device_anchors"].append(str(f / "maker.pem"))
        self.fleetd.stop()
        self.start()
        return {"cert": f / "dev.pem", "key": f / "dev.key"}

    def camera(self, serial, allowed=True, rule=""):
        place = self.place(serial, "camera", rule)
        must(CAMVAULT, "factory", "provision", "--root", self.factory.root, "--camera-root", place.root, "--serial", serial,
             "--identities", "none")
        if allowed:
            self.api("devices", {"serials": [serial]})
        return place

    def enrol_command(self, place, *more):
        return [CAMVAULT, "enrol", "--root", str(place.root), "--server", self.url, "--trust", str(self.fleet_ca), "--json",
                *[str(m) for m in more]]

    def enrol(self, place, *more):
        done = run(*self.enrol_command(place, *more))
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def keys(self, place):
        listed = json.loads(must(CAMVAULT, "keystore", "list", "--root", place.root, "--json"))
        return sorted(key["name"] for key in listed if "ldevid" in key["name"])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listens(port):
    """Whether somebody does, without a connection that he would notice (proc(5): state 0A, IPv4)."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "0A" for line in lines)


def wait_until(true, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False
