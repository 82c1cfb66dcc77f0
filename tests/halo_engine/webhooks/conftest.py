"""A household that tells a receiver what happens."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from halo_engine.clock import FakeClock, SystemClock
from tests.halo_engine.webhooks.receivers import Receiver, receiving
from tests.installation import Installation


@pytest.fixture
def telling(tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    """Webhooks may go to loopback from here."""
    installation = Installation.open(tmp_path / "telling", clock=clock, webhooks_allow_loopback="true")
    yield installation
    installation.engine.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that takes everything."""
    with receiving() as one:
        yield one


@pytest.fixture
def server_tls(tmp_path: Path) -> Iterator[Callable[[str], tuple[int, ssl.SSLContext]]]:
    """Starts a receiver with a certificate of its own for a name, and gives its port and what trusts it."""
    with ExitStack() as started:

        def start(name: str) -> tuple[int, ssl.SSLContext]:
            certificate = _certificate(tmp_path, name)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            port = started.enter_context(receiving(tls=context)).port
            return port, ssl.create_default_context(cafile=str(certificate))

        yield start


def _certificate(place: Path, name: str) -> Path:
    key, subject, now = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        SystemClock().now(),
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = place / f"{name}.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
