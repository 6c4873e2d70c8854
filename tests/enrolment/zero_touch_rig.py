"""The rig with a maker's service: a camera that nobody told anything."""
import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import threading
import time

from rig import CAMVAULT, FLEETD, Daemon, Rig, free_port, must, run

MASAD = os.environ["MASAD"]
IDENTITY = "var/lib/camvault/identity"


class ZeroTouchRig(Rig):
    def __init__(self, masa_port=None, **options):
        super().__init__(**options)
        self.maker = self.place("maker", "masa")
        self.masa_port = masa_port or free_port()
        self.masa_config = {"listen": "127.0.0.1", "port": self.masa_port, "names": ["localhost", "127.0.0.1"],
                            "device_anchors": [str(self.factory_root)]}
        self.masad = Daemon(MASAD, ["--root", str(self.maker.root)], self.folder / "masad.log")
        self.daemons.append(self.masad)
        self.start_masa()
        self.masa_folder = self.maker.root / "var/lib/camvault/masad"
        self.config["masa_anchors"] = [str(self.masa_folder / "ca.pem")]
        self.teach_factory(self.masa_port)
        shutil.copy(self.masa_folder / "masa.pem", self.factory_folder / "masa-anchors.pem")

    @property
    def factory_folder(self):
        return self.factory.root / "var/lib/camvault/factory"

    def teach_factory(self, port):
        """From now on cameras are made whose certificates name a service at this port."""
        profile = self.factory_folder / "profiles/idevid.toml"
        lines = [line for line in profile.read_text().splitlines() if "masa_url" not in line]
        profile.write_text("\n".join([*lines, f'masa_url = "https://localhost:{port}"', ""]))

    def start_masa(self):
        lines = [f"{key} = {json.dumps(value)}" for key, value in self.masa_config.items()]
        self.maker.write("etc/camvault/masad.toml", "\n".join(lines) + "\n")
        assert self.masad.start(), (self.folder / "masad.log").read_text()

    def restart_masa(self, **changes):
        self.masad.stop(signal.SIGKILL)
        self.masa_config.update(changes)
        self.start_masa()

    def release(self, serial):
        must(MASAD, "--root", self.maker.root, "--release", serial)

    def zero_touch_command(self, place, url=None):
        return [CAMVAULT, "enrol", "--zero-touch", "--root", str(place.root), "--server", url or self.url, "--json"]

    def zero_touch(self, place, url=None, before=()):
        """(exit code, what was said)"""
        done = run(*before, *self.zero_touch_command(place, url))
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def events(self, serial):
        """Newest first: (event, detail)."""
        return [(e["event"], e["detail"]) for e in self.api(f"onboarding?serial={serial}")["events"]]

    def voucher(self, place):
        """What the camera kept, as openssl reads it."""
        owner = json.loads((place.root / IDENTITY / "owner.json").read_text())
        cms = self.folder / "kept.cms"
        cms.write_bytes(base64.b64decode(owner["voucher"]))
        text = must("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", cms, "-CAfile", self.masa_folder / "masa.pem",
                    "-purpose", "any")
        return json.loads(text)["ietf-voucher:voucher"]

    def masa_log(self):
        return pathlib.Path(self.folder / "masad.log").read_text()


class SecondOwner(ZeroTouchRig):
    """Another owner, with the maker of the first."""

    def __init__(self, first):
        self.folder, self.daemons, self.before = first.folder, [], first.before
        self.first = first
        self.owner = self.place("second-owner", "fleet")
        self.config = {**first.config, "port": 0}
        self.extra = ""
        self.fleetd = Daemon(FLEETD, ["--root", str(self.owner.root)], self.folder / "fleetd2.log")
        self.daemons.append(self.fleetd)
        self.start()

    def close(self):
        for daemon in reversed(self.daemons):
            daemon.stop(9)

    def release_command(self, serial):
        return [MASAD, "--root", self.first.maker.root, "--release", serial]


class Impostor:
    """A TLS server with a certificate of its own that answers every request with `answer(head, body)` (bytes; None: nothing)."""

    def __init__(self, certificate, key, answer, delay=0, address="127.0.0.1"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.answer, self.delay, self.asked = answer, delay, []
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                end, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(end,), daemon=True).start()

    def serve_one(self, end):
        try:
            with self.context.wrap_socket(end, server_side=True) as connection:
                connection.settimeout(5)
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                head, _, body = data.partition(b"\r\n\r\n")
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                while len(body) < length:
                    body += connection.recv(65536)
                self.asked.append((head, body))
                time.sleep(self.delay)
                answer = self.answer(head, body)
                if answer is not None:
                    connection.sendall(answer)
                    connection.recv(1)
        except (OSError, StopIteration):
            pass

    def close(self):
        self.listener.close()


def http(status, kind="application/voucher-cms+json", body=b"", headers=""):
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
