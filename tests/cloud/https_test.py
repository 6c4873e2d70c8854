"""camvault cloud over HTTPS: against a real nginx, and against a server that says what the test wants. NC-1-1, NC-2-1, NC-2-3."""
import http.server
import json
import pathlib
import random
import signal
import ssl
import subprocess
import threading
import time
import unittest

from cloud_rig import CAMVAULT, SERIAL, CloudTest, must
from rig import Background, free_port

NGINX_CONF = pathlib.Path(__file__).parents[2] / "packaging/cloud/nginx.conf"
URL = "https://localhost:%d/devices/{serial}/{topic}/{id}"


class HttpsTest(CloudTest):
    def profile(self, port, url=URL, method="PUT", tls=None):
        return self.write_profile('[https]\nurl = "%s"\nmethod = "%s"\n' % (url % port, method), tls)

    def sender(self, profile):
        program = subprocess.Popen([CAMVAULT, "cloud", "run", "--profile", profile, "--root", str(self.camera.folder)], stdout=subprocess.DEVNULL)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        return program

    def set_aside(self):
        return json.loads(must([CAMVAULT, "cloud", "status", "--json", "--root", self.camera.folder]))["set_aside"]

    def tearDown(self):
        for file in (self.camera.folder / "var/lib/camvault/cloud/queue").glob("*.message*"):
            file.unlink()


class NginxTest(HttpsTest):
    PROGRAMS = ["nginx"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.list = cls.empty_list(cls.camera.ca, cls.camera.path("ca.key"), "ca")
        cls.other_list = cls.empty_list(*cls.other_ca, "other")

    @classmethod
    def empty_list(cls, certificate, key, name):
        base = cls.camera.path(name + "-list")
        pathlib.Path(base + ".db").touch()
        pathlib.Path(base + ".cnf").write_text("[ca]\ndefault_ca = x\n[x]\ndatabase = %s.db\ndefault_md = sha256\ndefault_crl_days = 2\n" % base)
        must(["openssl", "ca", "-gencrl", "-config", base + ".cnf", "-cert", certificate, "-keyfile", key, "-out", base + ".pem"])
        return base + ".pem"

    def nginx(self, pair=None, ca=None, crl=None, port=None, versions="TLSv1.2 TLSv1.3"):
        """packaging/cloud/nginx.conf in one process, so that a kill leaves none behind."""
        port = port or free_port()
        folder = self.camera.folder / ("nginx-%d" % port)
        (folder / "messages").mkdir(parents=True, exist_ok=True)
        for name, source in (("server.pem", (pair or self.server)[0]), ("server.key", (pair or self.server)[1]),
                             ("camera-root-ca.pem", ca or self.camera.ca), ("camera-lists.pem", crl or self.list)):
            (folder / name).write_text(pathlib.Path(source).read_text())
        text = NGINX_CONF.read_text()
        for ours, theirs in (("/etc/nginx", str(folder)), ("/var/lib/camvault-messages", "%s/messages" % folder), ("listen 8443", "listen 127.0.0.1:%d" % port),
                             ("TLSv1.2 TLSv1.3", versions)):
            self.assertIn(ours, text)
            text = text.replace(ours, theirs)
        paths = "".join("%s_temp_path %s/%s;\n" % (kind, folder, kind) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text("daemon off;\nmaster_process off;\npid %s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log %s/access;\n%s%s}\n"
                                           % (folder, folder, paths, text))
        program = Background(["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"], folder / "log", port=port)
        self.addCleanup(program.stop)
        program.port, program.messages, program.access = port, folder / "messages", folder / "access"
        return program

    @staticmethod
    def received(server):
        """What each file below the folder has, by its path."""
        return {str(file.relative_to(server.messages)): file.read_bytes() for file in server.messages.rglob("*") if file.is_file()}


class HttpsMatrix(NginxTest):
    """Good and bad server, good and bad client: one cell of four connects."""

    def test_only_good_and_good(self):
        cells = {}
        for server in ("good", "bad"):
            for client in ("good", "bad"):
                program = self.nginx(pair=self.server if server == "good" else self.other_ca, ca=self.camera.ca if client == "good" else self.other_ca[0],
                                     crl=self.list if client == "good" else self.other_list)
                profile = self.profile(program.port)
                self.assertEqual(self.send(profile, "events", b"{}")[0], 0)
                code, said = self.deliver(profile, patience=20)
                self.assertEqual(code, 65 if server == "bad" else 77 if client == "bad" else 0, said + program.text())
                if code != 0:
                    self.assertIn("is not believed" if server == "bad" else "status 400", said)
                    self.assertEqual((self.waiting(), self.set_aside()), (1, 0))
                cells[server, client] = len(self.received(program))
                program.stop()
                self.drop_queue()
        self.assertEqual([cell for cell, count in cells.items() if count], [("good", "good")])
        print("https: %s" % ", ".join("%s server %s client: %s" % (*cell, "delivered" if count else "nothing") for cell, count in cells.items()), flush=True)

    def test_both_versions_and_another_name(self):
        for version in ("TLSv1.2", "TLSv1.3"):
            program = self.nginx(versions=version)
            profile = self.profile(program.port)
            self.send(profile, "events/motion", b"hello")
            self.assertEqual(self.deliver(profile, patience=20)[0], 0, program.text())
            (path, payload), = self.received(program).items()
            self.assertTrue(path.startswith("devices/%s/events/motion/" % SERIAL), path)
            self.assertEqual(payload, b"hello")
        # The certificate says localhost and 127.0.0.1; not ::1, and nobody else.
        profile = self.profile(program.port, url="https://127.0.0.2:%d/devices/{serial}/{topic}/{id}")
        self.send(profile, "events", b"hello")
        program.stop()
        elsewhere = self.nginx(port=program.port)
        text = (elsewhere.messages.parent / "nginx.conf").read_text()
        elsewhere.stop()
        (elsewhere.messages.parent / "nginx.conf").write_text(text.replace("listen 127.0.0.1", "listen 127.0.0.2"))
        other = Background(["/usr/sbin/nginx", "-e", "stderr", "-p", elsewhere.messages.parent, "-c", elsewhere.messages.parent / "nginx.conf"], elsewhere.log)
        self.addCleanup(other.stop)
        self.eventually(lambda: self.deliver(profile)[0] == 65)
        self.assertEqual(len(self.received(elsewhere)), 1)

    def test_no_other_devices_folder(self):
        """NC-2-3: the server holds the path against the certificate."""
        program = self.nginx()
        code, said = self.send(self.profile(program.port), "events", json.dumps({"device": "CAM-000002"}).encode())
        self.assertEqual(code, 77, said)
        self.assertEqual(self.send(self.profile(program.port), "../CAM-000002/events", b"x")[0], 64)
        forged = self.profile(program.port, url="https://localhost:%d/devices/CAM-000002/{topic}/{id}")
        self.assertEqual(self.send(forged, "events", b"forged")[0], 0)
        code, said = self.deliver(forged, patience=20)
        self.assertEqual(code, 77, said)
        self.assertIn("status 403", said)
        self.assertEqual(self.received(program), {})
        self.assertEqual(self.deliver(self.profile(program.port), patience=20)[0], 0)  # it waited, and is this camera's
        self.assertEqual(list(self.received(program).values()), [b"forged"])


class HttpsLosses(NginxTest):
    @staticmethod
    def while_it_delivers(server, chance):
        """Until a little after the next message."""
        def size():
            return server.access.stat().st_size if server.access.exists() else 0
        before, until = size(), time.monotonic() + 1
        while size() == before and time.monotonic() < until:
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.01))

    def test_nothing_is_lost_when_both_sides_are_killed(self):
        count, kills = 100, {"putting": 0, "delivering": 0, "server": 0}
        chance = random.Random(5)
        server = self.nginx()
        profile = self.profile(server.port)
        promised, done = set(), threading.Event()
        command = [CAMVAULT, "cloud", "send", "n", "--profile", profile, "--root", str(self.camera.folder)]

        def put():
            for n in range(count):
                program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
                program.stdin.write(b"%d" % n)
                program.stdin.close()
                if n % 10 == 9:
                    time.sleep(chance.uniform(0, 0.03))
                    program.kill()
                    kills["putting"] += 1
                if program.wait() == 0:
                    promised.add(b"%d" % n)
            done.set()

        putter = threading.Thread(target=put)
        putter.start()
        self.addCleanup(putter.join)
        while not done.is_set():
            time.sleep(chance.uniform(0.1, 0.4))  # some messages wait
            sender = self.sender(profile)
            self.while_it_delivers(server, chance)
            if chance.random() < 0.5:
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
                kills["server"] += 1
                server = self.nginx(port=server.port)
                self.while_it_delivers(server, chance)
            sender.kill()
            sender.wait()
            kills["delivering"] += 1
        self.assertEqual(self.deliver(profile, patience=30)[0], 0)
        there = list(self.received(server).values())
        requests = sum(" 20" in line for line in server.access.read_text().splitlines())
        print("https: %d messages promised, %d there, %d lost; killed: %s; %d requests answered, so %d came twice"
              % (len(promised), len(there), len(promised - set(there)), ", ".join("%d %s" % (n, who) for who, n in kills.items()), requests, requests - len(there)), flush=True)
        self.assertGreaterEqual(len(promised), count - kills["putting"])
        self.assertEqual(promised - set(there), set())
        self.assertEqual(len(there), len(set(there)))  # who came twice is there once
        self.assertLessEqual(set(there), {b"%d" % n for n in range(count)})
        self.assertEqual(self.set_aside(), 0)
        self.assertGreater(min(kills.values()), 0)


class Scripted(http.server.ThreadingHTTPServer):
    """An HTTPS server that asks for a camera's certificate and answers as `answer` says: a status, headers, or None to hang up."""

    def __init__(self, camera, pair, answer, ca=None):
        self.seen = []  # (when, path, key, body)
        self.answer = answer

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.server.seen.append((time.monotonic(), self.path, self.headers["Idempotency-Key"], body))
                answer = self.server.answer(len(self.server.seen), body)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", "0")
                self.end_headers()
                self.close_connection = headers.get("Connection") == "close" or "X-Hang-Up" in headers

            def log_message(self, *args):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        context.load_verify_locations(ca or camera.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self.thread.start()

    def finish_request(self, request, client_address):
        try:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except OSError:
            pass

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def bodies(self):
        return [body for _, _, _, body in self.seen]


class HttpsAnswers(HttpsTest):
    def start(self, answer, ca=None):
        server = Scripted(self.camera, self.server, answer, ca)
        self.addCleanup(server.stop)
        return server, self.profile(server.server_address[1], url="https://localhost:%d/in/{serial}/{topic}", method="POST")

    def test_later(self):
        server, profile = self.start(lambda n, _: {1: (503, {"Retry-After": "2"}), 2: (429, {})}.get(n, (202, {})))
        self.send(profile, "events", b"patience")
        self.assertEqual(self.deliver(profile, patience=20)[0], 0)
        self.assertEqual(server.bodies(), [b"patience"] * 3)
        self.assertEqual({path for _, path, _, _ in server.seen}, {"/in/%s/events" % SERIAL})
        self.assertEqual(len({key for _, _, key, _ in server.seen}), 1)
        times = [when for when, *_ in server.seen]
        self.assertGreater(times[1] - times[0], 2)
        self.assertLess(times[2] - times[1], 2)

    def test_one_message_that_is_not_wanted(self):
        for status in (422, 400):
            server, profile = self.start(lambda _, body, status=status: (status if body == b"bad" else 200, {}))
            for body in (b"bad", b"good", b"better"):
                self.send(profile, "events", body)
            code, said = self.deliver(profile, patience=20)
            self.assertEqual(code, 2, said)
            self.assertIn("status %d; it is set aside" % status, said)
            self.assertEqual(server.bodies(), [b"bad", b"good", b"better"])
            self.assertEqual((self.waiting(), self.set_aside()), (0, 1))
            self.tearDown()

    def test_nothing_is_wanted(self):
        """Whoever is refused altogether loses nothing; with 400 it cannot be known whose fault it is."""
        for status in (400, 403, 301):
            server, profile = self.start(lambda _n, _body, status=status: (status, {"Location": "https://localhost/"}))
            for body in (b"1", b"2"):
                self.send(profile, "events", body)
            code, said = self.deliver(profile, patience=20)
            self.assertEqual(code, 77, said)
            self.assertIn("status %d" % status, said)
            self.assertEqual((self.waiting(), self.set_aside()), (2, 0))
            self.assertEqual(len(server.seen), 2 if status == 400 else 1)
            self.tearDown()

    def test_client_that_the_handshake_refuses(self):
        _, profile = self.start(lambda *_: (200, {}), ca=self.other_ca[0])
        self.send(profile, "events", b"1")
        code, said = self.deliver(profile, patience=20)
        self.assertEqual(code, 77, said)
        self.assertIn("does not accept our certificate", said)

    def test_lost_answers(self):
        """The server has it and hangs up before it says so: it comes again, under the same key."""
        server, profile = self.start(lambda n, _: None if n % 2 else (200, {}))
        for body in (b"1", b"2"):
            self.send(profile, "events", body)
        self.assertEqual(self.deliver(profile, patience=20)[0], 0)
        self.assertEqual(server.bodies(), [b"1", b"1", b"2", b"2"])
        keys = [key for _, _, key, _ in server.seen]
        self.assertEqual((keys[0] == keys[1], keys[2] == keys[3], keys[0] == keys[2]), (True, True, False))

    def test_answers_that_are_none(self):
        server, profile = self.start(lambda *_: (200, {"Content-Length": "9999999"}))
        self.send(profile, "events", b"1")
        code, said = self.deliver(profile, patience=1)
        self.assertEqual(code, 69, said)
        self.assertEqual(self.waiting(), 1)
        server.answer = lambda *_: (204, {})
        self.assertEqual(self.deliver(profile, patience=20)[0], 0)

    def test_messages_that_come_one_by_one(self):
        """Over a connection that stays, and at once over a new one when the server has ended it between two messages."""
        server, profile = self.start(lambda n, _: (200, {"X-Hang-Up": "1"} if n == 2 else {}))
        sender = self.sender(profile)
        for n in range(4):
            time.sleep(0.3)
            self.send(profile, "events", b"%d" % n)
            self.eventually(lambda n=n: len(server.seen) == n + 1 and self.waiting() == 0)
        self.assertEqual(server.bodies(), [b"0", b"1", b"2", b"3"])
        sender.terminate()
        self.assertEqual(sender.wait(), 0)

    def test_what_is_no_profile(self):
        self.assertEqual(self.deliver(self.profile(1, tls='secrets = "keystore"\n'))[0], 64)
        self.assertEqual(self.deliver(self.profile(1, url="http://localhost:%d/{topic}/{id}"))[0], 64)


if __name__ == "__main__":
    unittest.main(verbosity=2)
