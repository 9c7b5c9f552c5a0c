"""What an archive says about itself: versions, checksums, and the rights of the services' roles."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from services.platform.api_model import ApiModel
from services.platform.settings import KeyName, Service

FORMAT = 1

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._/-]*$", max_length=200)]
Object = Annotated[
    str, StringConstraints(pattern=r"^(SCHEMA|TABLE|SEQUENCE|ROUTINE) [^;\\\n]+$", max_length=2000)
]
Privilege = Annotated[str, StringConstraints(pattern=r"^[A-Z]+$", max_length=20)]


class Part(ApiModel):
    """A file of the archive, or the dump, which is split into several."""

    name: Name
    size: int = Field(ge=0)
    sha256: Sha256


class Right(ApiModel):
    """What the role of a service, or every role, may do with an object.

    A dump states rights by the names of roles; these differ between installations.
    """

    object: Object
    privilege: Privilege
    role: Service | Literal["public"]


class DefaultRight(ApiModel):
    """What the role of a service may do with objects that are made later."""

    schema_name: Service
    objects: Literal["TABLES", "SEQUENCES", "FUNCTIONS"]
    privilege: Privilege
    role: Service


class Manifest(ApiModel):
    """The last file of an archive, `manifest.json`."""

    format: Literal[1] = FORMAT
    made_at: AwareDatetime
    emall: str
    commit: str
    region: str
    revisions: list[str]
    """Revisions of the database's schema, one of each service."""
    postgresql: int
    """Major version of the server that was dumped."""
    pg_dump: int
    """Major version of the program that dumped it: older servers cannot read it."""
    objects: list[Object]
    """Objects whose rights are not PostgreSQL's defaults."""
    rights: list[Right]
    default_rights: list[DefaultRight]
    database: Part
    files: list[Part]
    keys: dict[KeyName, Sha256]
    """Fingerprints of the keys in the archive."""
    keys_excluded: list[KeyName]
    pack: Annotated[str, StringConstraints(pattern=r"^[^/.][^/]*$", max_length=255)] | None
    """Name of the folder of the pack."""
