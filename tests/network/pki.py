"""A maker's and an owner's authorities in this process, for certificates that no honest factory issues: expired, of
look-alikes, revoked, for rogue servers. Keys of cameras are never here: requests come from their keystores."""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.utcnow().replace(microsecond=0)
DAY = datetime.timedelta(days=1)
FOREVER = datetime.datetime(9999, 12, 31, 23, 59, 59)


def name(common, organization="Test maker", serial=None):
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)]
    if common:
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    if serial:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
    return x509.Name(parts)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def pem(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


class Authority:
    def __init__(self, subject, above=None):
        self.subject, self.above, self.key = subject, above, new_key()
        issuer = above or self
        names = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        self.certificate = (self._builder(subject, self.key.public_key(), issuer.subject, NOW - 30 * DAY, FOREVER)
                            .add_extension(x509.BasicConstraints(True, None if above is None else 0), True)
                            .add_extension(names, False).add_extension(usage(key_cert_sign=True, crl_sign=True), True).sign(issuer.key, hashes.SHA256()))
        self.revoked = []

    @staticmethod
    def _builder(subject, key, issuer, begin, end):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
                .not_valid_before(begin).not_valid_after(end)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False))

    def chain(self):
        return [self.certificate] + (self.above.chain() if self.above else [])

    def issue(self, subject, key, begin=NOW - DAY, end=FOREVER, dns=None):
        builder = (self._builder(subject, key, self.subject, begin, end).add_extension(x509.BasicConstraints(False, None), True)
                   .add_extension(usage(digital_signature=True), True)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        if dns:
            builder = (builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), False)
                       .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))
        return builder.sign(self.key, hashes.SHA256())

    def crl(self):
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.subject).last_update(NOW - DAY).next_update(NOW + 30 * DAY)
        for certificate in self.revoked:
            builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
                                                      .revocation_date(NOW - DAY / 2).build())
        return builder.sign(self.key, hashes.SHA256())

    def write(self, folder, stem):
        """STEM.pem: this authority and what is above it; STEM.crl.pem: their lists, each in a file."""
        files = []
        (folder / (stem + ".pem")).write_bytes(pem(*self.chain()))
        step, number = self, 0
        while step:
            path = folder / ("%s-%d.crl.pem" % (stem, number))
            path.write_bytes(pem(step.crl()))
            files.append(path)
            step, number = step.above, number + 1
        return folder / (stem + ".pem"), files

    def server(self, folder, stem, dns, bits=None, **times):
        """Certificate (with its chain) and key of an authentication server: P-256, or RSA."""
        key = rsa.generate_private_key(65537, bits) if bits else new_key()
        certificate = self.issue(name(dns, "Test network"), key.public_key(), dns=dns, **times)
        (folder / (stem + ".pem")).write_bytes(pem(certificate, *self.chain()))
        (folder / (stem + ".key")).write_bytes(key_pem(key))
        return folder / (stem + ".pem"), folder / (stem + ".key")


def usage(**allowed):
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
             "encipher_only", "decipher_only")
    return x509.KeyUsage(**{each: allowed.get(each, False) for each in every})


def requested_key(path):
    return x509.load_pem_x509_csr(path.read_bytes()).public_key()
