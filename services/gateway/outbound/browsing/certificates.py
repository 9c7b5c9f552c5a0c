"""Certificates of servers: their dates, and the parts of a chain that a server leaves out."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import pkcs7
else:
    pkcs7 = LazyModule("cryptography.hazmat.primitives.serialization.pkcs7")

MAX_INTERMEDIATES = 4
"""More than public chains have."""

MAX_CERTIFICATE_BYTES = 64 * 1024

Fetch = Callable[[str], Awaitable[bytes | None]]
"""Returns what is at an address; None if there is nothing of use."""


def validity(certificate: bytes) -> tuple[datetime, datetime] | None:
    """Return from when until when a certificate (DER) is valid; None if it cannot be read."""
    parsed = _parse(certificate)
    if parsed is None:
        return None
    return parsed.not_valid_before_utc, parsed.not_valid_after_utc


async def find_intermediates(certificate: bytes, fetch: Fetch) -> list[bytes]:
    """Return the certificates (DER) above this one that it and they name, lowest first.

    They are found as browsers do, by `caIssuers` in the authority information access (RFC 5280,
    4.2.2.1). Whether they lead to a trusted root is not known from it.
    """
    found: list[bytes] = []
    current = _parse(certificate)
    while current is not None and len(found) < MAX_INTERMEDIATES:
        address = _issuer_address(current)
        content = await fetch(address) if address is not None else None
        issuer = _read_issuer(content, current) if content is not None else None
        if issuer is None or issuer.issuer == issuer.subject:
            break
        found.append(issuer.public_bytes(Encoding.DER))
        current = issuer
    return found


def _parse(certificate: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(certificate)
    except ValueError:
        return None


def _issuer_address(certificate: x509.Certificate) -> str | None:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None
    for description in access.value:
        location = description.access_location
        is_issuer = description.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        if is_issuer and isinstance(location, x509.UniformResourceIdentifier):
            return location.value
    return None


def _read_issuer(content: bytes, of: x509.Certificate) -> x509.Certificate | None:
    """Return the issuer in what was fetched: DER, PEM, or a bundle of certificates (PKCS #7)."""
    readers: tuple[Callable[[bytes], list[x509.Certificate]], ...] = (
        lambda data: [x509.load_der_x509_certificate(data)],
        x509.load_pem_x509_certificates,
        pkcs7.load_der_pkcs7_certificates,
    )
    for read in readers:
        try:
            certificates = read(content)
        except ValueError:
            continue
        return next((found for found in certificates if found.subject == of.issuer), None)
    return None
