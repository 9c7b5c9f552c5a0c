"""Catalogue models: as packs define them, and as tables."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, StrictBool, StringConstraints, model_validator
from sqlalchemy import ARRAY, Column, Computed, DateTime, String
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from services.platform.packs import PackModel
from services.platform.types import HttpsUrl, ShortText, Slug, StrictNumber, Text

ComponentCode = Literal[
    "persyaratan",
    "sistem_mekanisme_prosedur",
    "jangka_waktu",
    "biaya_tarif",
    "produk_pelayanan",
    "penanganan_pengaduan",
    "dasar_hukum",
    "sarana_prasarana",
    "kompetensi_pelaksana",
    "pengawasan_internal",
    "jumlah_pelaksana",
    "jaminan_pelayanan",
    "jaminan_keamanan",
    "evaluasi_kinerja",
]
"""The 14 components of a service standard (PermenPANRB 15/2014)."""

COMPONENTS = 14

ChannelKind = Literal["online", "counter", "phone", "visit", "email"]
Duration = Annotated[
    str, StringConstraints(max_length=40, pattern=r"^P(?:\d+[YMWD])+$|^PT(?:\d+[HMS])+$")
]


class Agency(PackModel):
    """An agency (OPD) of the regency, or a national office in it."""

    slug: Slug
    name: ShortText
    short_name: ShortText
    name_en: ShortText
    kind: Literal[
        "dinas", "badan", "sekretariat", "inspektorat", "rsud", "kecamatan", "instansi_vertikal"
    ]
    website: HttpsUrl | None = None
    note: Text | None = None
    sources: list[Slug] = Field(min_length=1, max_length=100)


class LifeEvent(PackModel):
    """A situation in life or business in which people need services."""

    slug: Slug
    name: ShortText
    name_en: ShortText
    description: Text
    description_en: Text


class Channel(PackModel):
    """A way to reach a service."""

    kind: ChannelKind
    link: Slug | None = Field(None, description="The portal behind an online channel.")
    note: Text | None = None
    note_en: Text | None = None

    @model_validator(mode="after")
    def _only_online_has_a_link(self) -> "Channel":
        if self.link is not None and self.kind != "online":
            raise ValueError(f"a {self.kind} channel has no link; only an online channel has one")
        return self


class Component(PackModel):
    """One published component of a service standard."""

    text: Text
    text_en: Text
    items: list[Text] = Field(default_factory=list[Text], max_length=200)
    items_en: list[Text] = Field(default_factory=list[Text], max_length=200)
    duration: Duration | None = Field(None, description="ISO 8601, such as P14D.")
    working_days: Annotated[int, Field(ge=0, le=3650), StrictNumber] | None = Field(
        None, description="If the duration counts working days."
    )
    fee_idr: Annotated[int, Field(ge=0), StrictNumber] | None = Field(
        None, description="Rupiah; 0 if the service is free."
    )
    sources: list[Slug] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _items_match(self) -> "Component":
        if self.items_en and len(self.items_en) != len(self.items):
            raise ValueError("items_en must have one entry for each of items, or be left out")
        return self


class Service(PackModel):
    """A public service, with the published components of its standard."""

    slug: Slug = Field(description="Its permanent name in addresses.")
    agency: Slug = Field(description="Slug of the agency that provides it.")
    name: ShortText
    name_en: ShortText
    summary: Text
    summary_en: Text
    status: Literal["active", "inactive"] = Field(
        "active", description="Inactive if it is published but cannot be used."
    )
    digital: StrictBool = Field(description="Whether it has an online channel.")
    common_names: list[ShortText] = Field(
        default_factory=list[ShortText],
        max_length=100,
        description="Common names; a search for exactly one of them ranks it first.",
    )
    life_events: list[Slug] = Field(
        default_factory=list[Slug],
        max_length=100,
        description="Slugs of the life events in which it is needed.",
    )
    audience: list[Literal["citizen", "business", "organisation", "government"]] = Field(
        min_length=1, max_length=4
    )
    channels: list[Channel] = Field(min_length=1, max_length=50)
    components: dict[ComponentCode, Component] = Field(
        description="The published ones of the 14 components of a service standard."
    )
    sources: list[Slug] = Field(min_length=1, max_length=100)
    note: Text | None = None

    @model_validator(mode="after")
    def _digital_means_online(self) -> "Service":
        online = any(channel.kind == "online" for channel in self.channels)
        if self.digital != online:
            right = "true" if online else "false"
            raise ValueError(f"digital must be {right}, to match the channels")
        return self


class AgencyFile(PackModel):
    """`agencies.yaml`"""

    agencies: list[Agency]


class LifeEventFile(PackModel):
    """`life-events.yaml`"""

    life_events: list[LifeEvent]


class LinkSlug(PackModel):
    """A link's slug and operator, all that the catalogue needs of it."""

    model_config = ConfigDict(extra="ignore")

    slug: Slug
    national: StrictBool = False


class LinkSlugFile(PackModel):
    """`links.yaml`"""

    links: list[LinkSlug]


class ServiceFile(PackModel):
    """`services/<agency>.yaml`"""

    services: list[Service]


class CatalogTable(SQLModel):
    """Tables of the schema `catalog`; every key starts with the region."""

    __table_args__: ClassVar[Any] = {"schema": "catalog"}

    region: str = Stored(primary_key=True)


class SourceRecord(CatalogTable, table=True):
    __tablename__: ClassVar[Any] = "source"

    id: str = Stored(primary_key=True)
    content: dict[str, Any] = Stored(sa_column=Column(JSONB, nullable=False))


class AgencyRecord(CatalogTable, table=True):
    __tablename__: ClassVar[Any] = "agency"

    slug: str = Stored(primary_key=True)
    content: dict[str, Any] = Stored(sa_column=Column(JSONB, nullable=False))


class LifeEventRecord(CatalogTable, table=True):
    __tablename__: ClassVar[Any] = "life_event"

    slug: str = Stored(primary_key=True)
    position: int
    content: dict[str, Any] = Stored(sa_column=Column(JSONB, nullable=False))


class ServiceRecord(CatalogTable, table=True):
    __tablename__: ClassVar[Any] = "service"

    slug: str = Stored(primary_key=True)
    agency: str
    life_events: list[str] = Stored(sa_column=Column(ARRAY(String), nullable=False))
    channels: list[str] = Stored(sa_column=Column(ARRAY(String), nullable=False))
    version: int
    modified_at: datetime = Stored(sa_column=Column(DateTime(timezone=True), nullable=False))
    content: dict[str, Any] = Stored(sa_column=Column(JSONB, nullable=False))
    names: list[str] = Stored(sa_column=Column(ARRAY(String), nullable=False))
    search: str = Stored(sa_column=Column(TSVECTOR, nullable=False))
    origin: str
    list_item_json: list[str] | None = Stored(
        None,
        sa_column=Column(ARRAY(String), Computed("catalog.list_item_json(...)", persisted=True)),
    )
    """The service as a list item, generated by the database."""


class ServiceVersionRecord(CatalogTable, table=True):
    __tablename__: ClassVar[Any] = "service_version"

    slug: str = Stored(primary_key=True)
    number: int = Stored(primary_key=True)
    recorded_at: datetime = Stored(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_by: str
    content: dict[str, Any] | None = Stored(sa_column=Column(JSONB(none_as_null=True)))
