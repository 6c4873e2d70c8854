"""Peers that show whatever certificate they are given and check nothing: OpenSSL at security level 0."""
import contextlib
import hashlib
import os
import pathlib
import socket
import ssl
import struct
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding


class Case:
    """One identity of the corpus, as refusals_tool wrote it."""

    def __init__(self, folder, number, name):
        self.name, self.pem, self.key = name, folder / (number + ".pem"), folder / (number + ".key")


def corpus(folder):
    """The good one first."""
    lines = (folder / "index").read_text().splitlines()
    return [Case(folder, *line.split("\t")) for line in lines]


def context(case, server):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if case is not None:
        made.load_cert_chain(case.pem, case.key)
    return made


class Server:
    """A connection at a time; `speak(stream)` gets those whose handshake ended well and says whether anything was asked."""

    def __init__(self, speak, case=None, port=0):
        self.speak, self.context = speak, context(case, True) if case else None
        self.asked = 0
        self.listener = socket.create_server(("127.0.0.1", port))
        self.listener.settimeout(0.05)
        self.port = self.listener.getsockname()[1]
        self.over = False
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self):
        while not self.over:
            with contextlib.suppress(OSError):  # also ssl.SSLError: the other side has said no
                plain, _ = self.listener.accept()
                plain.settimeout(5)
                with self.context.wrap_socket(plain, server_side=True) if self.context else plain as stream:
                    self.asked += bool(self.speak(stream))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        self.listener.close()


def speak_http(answer):
    def speak(stream):
        asked = stream.recv(65536)
        stream.sendall(answer if asked else b"")
        return asked
    return speak


def exactly(stream, count):
    out = b""
    while len(out) < count:
        piece = stream.recv(count - len(out))
        if not piece:
            raise OSError("hung up")
        out += piece
    return out


def speak_mqtt(stream):
    """As much of a broker as takes messages of QoS 1 and forgets them."""
    asked = b""
    with contextlib.suppress(OSError):
        while True:
            kind = exactly(stream, 1)[0]
            asked += b"."
            size, shift = 0, 0
            while True:
                digit = exactly(stream, 1)[0]
                size |= (digit & 0x7f) << shift
                shift += 7
                if not digit & 0x80:
                    break
            body = exactly(stream, size)
            if kind >> 4 == 1:
                stream.sendall(b"\x20\x02\x00\x00")
            elif kind >> 4 == 3:
                topic = struct.unpack(">H", body[:2])[0]
                stream.sendall(b"\x40\x02" + body[2 + topic:4 + topic])
            elif kind >> 4 == 14:
                break
    return asked


def ask(port, case, request):
    """What a server answers; empty: it refused."""
    answer = b""
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", port), 5) as plain, context(case, False).wrap_socket(plain, server_hostname="localhost") as stream:
            stream.sendall(request)
            while True:
                piece = stream.recv(65536)
                if not piece:
                    break
                answer += piece
                if request[0] == 0x10 and len(answer) >= 8:  # MQTT: CONNACK and PUBACK
                    break
    return answer


# docs/formats/peer-auth.md, from the description: CBOR by hand.

def _head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    return bytes([major << 5 | 24, value]) if value < 256 else struct.pack(">BH", major << 5 | 25, value)


def _octets(data):
    return _head(2, len(data)) + data


def _read(data, at):
    """The value at `at` and where the next one begins."""
    major, value = data[at] >> 5, data[at] & 31
    at += 1
    if value >= 24:
        size = {24: 1, 25: 2}[value]
        value = int.from_bytes(data[at:at + size], "big")
        at += size
    if major == 0:
        return value, at
    if major == 2:
        return data[at:at + value], at + value
    out = []
    for _ in range(value if major == 4 else 2 * value):
        item, at = _read(data, at)
        out.append(item)
    return (out if major == 4 else dict(zip(out[::2], out[1::2]))), at


class PeerAuth:
    """One side of the handshake for two devices without TLS; believes everybody."""

    def __init__(self, case):
        end = b"-----END CERTIFICATE-----"  # Debian's cryptography 38 reads one certificate at a time
        blocks = pathlib.Path(case.pem).read_bytes().split(end)[:-1]
        self.chain = [x509.load_pem_x509_certificate(b + end).public_bytes(serialization.Encoding.DER) for b in blocks]
        self.key = serialization.load_pem_private_key(pathlib.Path(case.key).read_bytes(), None)
        self.nonce = os.urandom(32)

    def _certificates(self):
        return _head(4, len(self.chain)) + b"".join(_octets(der) for der in self.chain)

    def _sign(self, side, nonces, leaves):
        text = b"Camvault peer authentication 1" + bytes([side]) + b"".join(nonces) + b"".join(hashlib.sha256(leaf).digest() for leaf in leaves)
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(text, ec.ECDSA(hashes.SHA256()))
        return self.key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())

    @staticmethod
    def _send(stream, message):
        stream.sendall(struct.pack(">I", len(message)) + message)

    @staticmethod
    def _receive(stream):
        return _read(exactly(stream, struct.unpack(">I", exactly(stream, 4))[0]), 0)[0]

    def respond(self, stream):
        """True: the initiator proved itself, which it does only to whom it believes."""
        with contextlib.suppress(OSError):
            hello = self._receive(stream)
            signature = self._sign(2, (hello[1], self.nonce), (hello[2][0], self.chain[0]))
            self._send(stream, b"\xa4\x00" + b"\x82\x01\x02" + b"\x01" + _octets(self.nonce) + b"\x02" + self._certificates() + b"\x03" + _octets(signature))
            return 3 in self._receive(stream)
        return False

    def initiate(self, port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as stream:
            self._send(stream, b"\xa3\x00" + b"\x82\x01\x01" + b"\x01" + _octets(self.nonce) + b"\x02" + self._certificates())
            challenge = self._receive(stream)
            signature = self._sign(1, (self.nonce, challenge[1]), (self.chain[0], challenge[2][0]))
            self._send(stream, b"\xa2\x00" + b"\x82\x01\x03" + b"\x03" + _octets(signature))
            stream.recv(1)
