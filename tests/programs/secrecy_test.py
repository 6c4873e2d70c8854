"""Keys whose bytes the test knows are put into keystored and used for 1,000 handshakes and 1,000 signatures each; then their bytes
are looked for in the memory of every process but keystored, and in every file. SP-4.2.11, IP-3-1, AX-3.1-1: none is found.
"""
import ctypes
import errno
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import unittest

import rig
from memory import found_in_process, search
from rig import must

COUNT = 1000
PARTS = {"ec": ["priv"], "rsa": ["privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"]}
PTRACE_ATTACH = 16


def needles_of(pem, kind):
    """Name -> bytes to look for: each secret number as written, and as OpenSSL has it in memory (little-endian words); of each the
    first 16 bytes and 16 from its middle, so that a part that was copied is found too."""
    text = must(["openssl", "pkey", "-in", pem, "-noout", "-text"])
    found = {}
    for part in PARTS[kind]:
        digits = re.search(r"^%s:\n((?:\s+[0-9a-f:]+\n)+)" % part, text, re.M).group(1)
        number = bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
        for name, form in (("big-endian", number), ("little-endian", number[::-1]), ("hex", number.hex().encode())):
            for at in (0, len(form) // 2):
                found["%s of %s, %s at %d" % (part, kind, name, at)] = form[at:at + 16]
    return found


def take_something(pid, uid):
    """As that user; 0 if nothing of the process could be had."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.setgroups([])
    os.setresuid(uid, uid, uid)
    for name in ("mem", "maps", "environ", "auxv"):
        try:
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                if file.read(1):
                    return 1
        except OSError:
            pass
    if libc.ptrace(PTRACE_ATTACH, pid, 0, 0) != -1 or ctypes.get_errno() != errno.EPERM:
        return 2
    try:
        os.kill(pid, signal.SIGABRT)
        return 3
    except PermissionError:
        return 0


class Secrecy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.camera = camera = rig.Camera()
        cls.addClassCleanup(camera.close)
        cls.needles = {}
        cls.certificates = {}
        for kind, (algorithm, option, name) in {"ec": ("EC", "ec_paramgen_curve:P-256", "ec-p256"),
                                                "rsa": ("RSA", "rsa_keygen_bits:2048", "rsa-2048")}.items():
            pem, der = camera.path("known.pem"), camera.path("known.der")
            must(["openssl", "genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", pem])
            must(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER", "-out", der])
            cls.needles.update(needles_of(pem, kind))
            must([os.environ["KEY_TOOL"], "import", camera.folder, "camera/" + kind, name, der, *camera.uids])
            os.unlink(pem)
            os.unlink(der)
            cls.certificates[kind] = camera.certificate("camera/" + kind)

    def test_no_key_byte_outside_keystored(self):
        camera = self.camera
        self.assertFalse(rig.missing("nginx"), "packaging/packages-test.txt")
        servers, signers = [], []
        for kind in PARTS:
            for way, key, env in (("module", "engine:pkcs11:" + camera.uri("camera/" + kind), camera.configured_engine()),
                                  ("provider", camera.stub("camera/" + kind), camera.with_provider())):
                servers.append(self.start_nginx("%s-%s" % (kind, way), self.certificates[kind], key, env))
            signers.append(subprocess.Popen([os.environ["KEY_TOOL"], "sign", rig.MODULE, "camera/" + kind, str(COUNT)], env=camera.env,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        try:
            for n in range(COUNT):  # of each key, half of them by each way
                version = ssl.TLSVersion.TLSv1_2 if n & 1 else ssl.TLSVersion.TLSv1_3
                for _, port in servers[n % 2::2]:
                    rig.tls_client(camera, port, version=version)
            for signer in signers:
                self.assertEqual(signer.stdout.readline(), b"signed\n")
            for kind in PARTS:
                self.assertGreaterEqual(camera.signatures("camera/" + kind), 2 * COUNT)
            looked = 0
            for program, _ in servers:
                for pid in [program.process.pid, *program.children()]:
                    self.assertEqual(found_in_process(pid, self.needles), [], program.process.args)
                    looked += 1
            for signer in signers:
                self.assertEqual(found_in_process(signer.pid, self.needles), [])
            print("looked into %d processes after %d handshakes and %d signatures of each key" % (looked + len(signers), COUNT, COUNT), file=sys.stderr)
        finally:
            for signer in signers:
                signer.communicate()
        files = [path for path in camera.folder.rglob("*") if path.is_file()]
        self.assertGreater(len(files), 10)
        for path in files:
            self.assertEqual(search(path.read_bytes(), self.needles), [], path)

    def start_nginx(self, name, certificate, key, env):
        camera = self.camera
        folder = pathlib.Path(camera.path(name))
        port = rig.nginx(camera, folder, certificate, key)
        program = camera.start(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"], env=env, name=name)
        program.wait_for(port)
        return program, port

    def test_the_search_finds_a_key_that_is_there(self):
        """A program that holds its key itself; and, for root, keystored."""
        camera = self.camera
        certificate, key = camera.local_pair("holder")
        port = rig.free_port()
        holder = camera.start(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", certificate, "-key", key, "-www"], env=camera.env, name="holder")
        holder.wait_for(port)
        rig.tls_client(camera, port)
        self.assertNotEqual(found_in_process(holder.process.pid, needles_of(key, "ec")), [])
        if os.geteuid() == 0:
            self.assertNotEqual(found_in_process(camera.keystored.pid, self.needles), [])

    def test_the_cameras_user_gets_no_core_of_keystored(self):
        """Other processes of the application's uid: no memory, no tracing, no core, no signal."""
        if os.geteuid() != 0:
            self.skipTest("keystored runs as this user when the tests are not root's; daemons/keystored's own tests look at that case")
        pid = self.camera.keystored.pid
        child = os.fork()
        if child == 0:
            os._exit(take_something(pid, self.camera.uids[1]))
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        limits = pathlib.Path("/proc/%d/limits" % pid).read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
