"""A certificate authority of the tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """The files with which a server or a client proves its identity."""

    file: Path
    key_file: Path


class Authority:
    """A certificate authority; its own certificate is in `file`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
        self._key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        own = self._builder(self._name, self._key).add_extension(constraints, critical=True)
        self.file = self._folder / "authority.pem"
        self._write(self.file, own)

    def certificate(self, address: str, *, ended: bool = False) -> Certificate:
        """Issue one for a server at the address; an `ended` one is no longer valid."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        name = f"{address}-ended" if ended else address
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        made.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        end = -LIFETIME / 2 if ended else LIFETIME
        self._write(made.file, self._builder(subject, key, end).add_extension(hosts, critical=False))
        return made

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, end: timedelta = LIFETIME
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFETIME)
            .not_valid_after(now + end)
        )

    def _write(self, file: Path, builder: x509.CertificateBuilder) -> None:
        file.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
