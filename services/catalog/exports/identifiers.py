"""Identifiers of what is exported: UUIDs for HSDS, IRIs for linked data."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""The digit that keeps two bits of a digit and sets the variant of RFC 9562."""


def uuid_of(region: str, kind: str, *key: str) -> UUID:
    """Return the UUID of a record, the same in every export.

    Version 8 of RFC 9562: of the MD5 of region, kind and key, which PostgreSQL computes as well
    (`catalog.service_id`).
    """
    name = "/".join(("emall", region, kind, *key))
    digits = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return UUID(f"{digits[:12]}8{digits[13:16]}{VARIANT[digits[16]]}{digits[17:]}")


@dataclass(frozen=True)
class Addresses:
    """Addresses of a hub's records.

    Without a public URL (`EMALL_PUBLIC_URL`) nobody outside can open one: a record's IRI is then
    the URN of its UUID, and pages and downloads have addresses relative to the document.
    """

    region: str
    public_url: str | None
    """Without a slash at its end."""

    def iri(self, kind: str, *key: str) -> str:
        """Return the IRI of a record."""
        if self.public_url is None:
            return uuid_of(self.region, kind, *key).urn
        return f"{self.public_url}/id/{'/'.join((kind, *key))}"

    def page(self, path: str) -> str:
        """Return the address of a path of the hub."""
        return f"{self.public_url or ''}{path}"
