"""A camera's keystore for real programs: keystored with its keys, a CA, certificates, and programs that run beside a test.

Everything lies in a folder of the test, listens on free ports of 127.0.0.1 and is ended by its process id.
"""
import contextlib
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

MODULE = os.environ["CAMVAULT_PKCS11_MODULE"]
CAMVAULT = os.environ["CAMVAULT"]
KEYSTORED = os.environ["KEYSTORED"]
DAEMON_UID = 64242  # what keystored becomes when the tests run as root
WORKER = "nobody"   # what servers become then
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def run(command, env=None, data=b"", timeout=60, cwd=None):
    """Exit code and both outputs together, as text."""
    done = subprocess.run([str(c) for c in command], input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=env, timeout=timeout, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def must(command, **options):
    code, output = run(command, **options)
    if code != 0:
        raise RuntimeError("%s\nexit code %d\n%s" % (" ".join(map(str, command)), code, output[-3000:]))
    return output


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def missing(*programs):
    """Names of programs that are not installed (packaging/packages-test.txt has them all)."""
    return [p for p in programs if shutil.which(p) is None and not os.path.exists("/usr/sbin/" + p)]


class Background:
    """A program beside the test, with what it starts; ended with it."""

    def __init__(self, command, log, env=None, port=None, cwd=None, user=None):
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                                            cwd=cwd, start_new_session=True, user=user,
                                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        if port is not None:
            self.wait_for(port)

    def wait_for(self, port):
        for _ in range(500):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError("%s does not listen:\n%s" % (self.process.args[0], self.text()))

    def text(self):
        return pathlib.Path(self.log).read_text(errors="replace")

    def children(self):
        path = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        return [int(pid) for pid in pathlib.Path(path).read_text().split()]

    def stop(self):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Camera:
    """keystored and what its keys need to be used."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="camvault-programs-"))
        self.folder.chmod(0o755)
        self.programs = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        (self.folder / "etc/camvault").mkdir(parents=True)
        uid = os.geteuid()
        self.uids = [uid] + ([pwd.getpwnam(WORKER).pw_uid] if uid == 0 else [])
        (self.folder / "etc/camvault/keystored.toml").write_text(
            '[[application]]\nname = "camera"\nuid = %d\nusers = %s\nimport = true\n' % (uid, self.uids[1:]))
        ready, told = os.pipe()
        os.set_inheritable(told, True)
        command = [KEYSTORED, "--root", self.folder, "--ready-fd", told] + (["--user", DAEMON_UID] if uid == 0 else [])
        with open(self.path("keystored.log"), "ab") as out:
            self.keystored = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=[told])
        os.close(told)
        if not os.read(ready, 16):
            raise RuntimeError("keystored did not start:\n" + self.log())
        os.close(ready)
        self.env = dict(os.environ, CAMVAULT_KEYSTORE_ROOT=str(self.folder), LC_ALL="C", HOME=str(self.folder))
        self.env.pop("OPENSSL_CONF", None)
        # What an installed system has from p11-kit's camvault.module: where the engine finds the library.
        self.engine = dict(self.env, PKCS11_MODULE_PATH=MODULE)
        self.ca = self.path("ca.pem")
        must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path("ca.key"),
              "-out", self.ca, "-days", "30", "-subj", "/O=Test maker/CN=Test CA"])

    def path(self, name):
        return str(self.folder / name)

    def log(self):
        return pathlib.Path(self.path("keystored.log")).read_text(errors="replace")

    def signatures(self, key):
        """How often keystored was asked to use the key, and did."""
        return sum(1 for line in self.log().splitlines() if " sign_" in line and " %s allowed" % key in line)

    def key(self, name, kind, purpose="tls"):
        uids = [word for uid in self.uids for word in ("--uid", uid)]
        must([CAMVAULT, "keystore", "generate", name, "--type", kind, "--purpose", purpose, "--root", self.folder, *uids])

    @staticmethod
    def uri(name, kind=None):
        return "pkcs11:token=Camvault;object=%s%s" % (name.replace("/", "%2F"), ";type=" + kind if kind else "")

    def configured_engine(self):
        """For programs that load the engine but do not initialise it: OpenSSL's configuration does."""
        path = self.path("engine.cnf")
        pathlib.Path(path).write_text("openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = pkcs11\n"
                                      "[pkcs11]\nengine_id = pkcs11\nMODULE_PATH = %s\ninit = 1\n" % MODULE)
        return dict(self.env, OPENSSL_CONF=path)

    def with_provider(self):
        """OpenSSL's configuration as docs/keystore-use.md has it."""
        path = self.path("provider.cnf")
        pathlib.Path(path).write_text("openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = default_provider\n"
                                      "keystore = camvault_provider\n[default_provider]\nactivate = 1\n[camvault_provider]\nmodule = %s\nactivate = 1\n"
                                      % os.environ["CAMVAULT_OPENSSL_PROVIDER"])
        return dict(self.env, OPENSSL_CONF=path)

    def stub(self, name):
        path = self.path(name.replace("/", "-") + ".stub.pem")
        must([CAMVAULT, "keystore", "stub", name, "--root", self.folder, "-o", path])
        return path

    def certificate(self, name, usage="serverAuth,clientAuth", subject="localhost"):
        """A certificate for the key in keystored: its request is signed there, the certificate by the test's CA."""
        base = self.path(name.replace("/", "-"))
        must(["openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key", self.uri(name), "-subj", "/O=Test maker/CN=" + subject,
              "-out", base + ".csr"], env=self.engine)
        self.issue(base, usage)
        with open(self.path("etc/camvault/certificates"), "a") as out:
            out.write("%s %s\n" % (name, base + ".pem"))
        return base + ".pem"

    def issue(self, base, usage):
        with open(base + ".ext", "w") as out:
            out.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
                      + ("extendedKeyUsage=%s\n" % usage if usage else ""))
        must(["openssl", "x509", "-req", "-in", base + ".csr", "-out", base + ".pem", "-days", "30", "-CA", self.ca, "-CAkey", self.path("ca.key"),
              "-CAcreateserial", "-extfile", base + ".ext"])

    def local_pair(self, name, kind="EC"):
        """Key and certificate of the other side: plain files, as a peer outside the camera has them."""
        base = self.path(name)
        option = "ec_paramgen_curve:P-256" if kind == "EC" else "rsa_keygen_bits:2048"
        must(["openssl", "req", "-new", "-newkey", kind.lower(), "-pkeyopt", option, "-nodes", "-keyout", base + ".key", "-subj", "/CN=" + name,
              "-out", base + ".csr"])
        os.chmod(base + ".key", 0o644)
        self.issue(base, "serverAuth,clientAuth")
        return base + ".pem", base + ".key"

    def start(self, command, port=None, env=None, name=None, **options):
        program = Background(command, self.path((name or os.path.basename(str(command[0]))) + ".log"), env=env or self.engine, port=port, **options)
        self.programs.append(program)
        return program

    def close(self):
        for program in reversed(self.programs):
            program.stop()
        if getattr(self, "keystored", None):
            self.keystored.terminate()
            self.keystored.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def nginx(camera, folder, certificate, key):
    """A configuration with two workers, where every connection is a full handshake; returns its port."""
    folder.mkdir()
    folder.chmod(0o755)
    port = free_port()
    paths = "".join("  %s_temp_path %s/%s;\n" % (kind, folder, kind) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user %s nogroup;\n" % WORKER if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        user + "worker_processes 2;\ndaemon off;\npid %s/pid;\nerror_log stderr;\nenv CAMVAULT_KEYSTORE_ROOT;\nevents {}\n"
        "http {\n  access_log off;\n%s  server {\n    listen 127.0.0.1:%d ssl;\n    ssl_protocols TLSv1.2 TLSv1.3;\n"
        "    ssl_session_cache off;\n    ssl_session_tickets off;\n"
        "    ssl_certificate %s;\n    ssl_certificate_key \"%s\";\n"
        "    location / { return 200 \"worker $pid\"; }\n  }\n}\n" % (folder, paths, port, certificate, key))
    return port


HTTP = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"


def tls_client(camera, port, certificate=None, version=None, request=HTTP, until=None):
    """A client of Python's own ssl module, which knows nothing of the keystore: what it read (to the end, or `until`), the version,
    and the server's certificate."""
    context = ssl.create_default_context(cafile=camera.ca)
    if certificate:
        context.load_cert_chain(*certificate)
    if version:
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        secure.sendall(request.encode())
        read = b""
        while until is None or until.encode() not in read:
            try:
                piece = secure.recv(65536)
            except (ssl.SSLError, ConnectionResetError):
                break
            if not piece:
                break
            read += piece
        return read.decode(errors="replace"), secure.version(), secure.getpeercert(binary_form=True)
