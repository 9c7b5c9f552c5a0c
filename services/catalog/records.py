"""Catalogue models, as packs define them."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, StrictBool, StringConstraints, model_validator

from services.catalog.opening_hours import OpeningException, OpeningRule
from services.platform.packs import FieldPath, PackModel, rule_error
from services.platform.translation import N_
from services.platform.types import (
    DistrictCode,
    HttpsUrl,
    IsoDate,
    ShortText,
    Slug,
    StrictNumber,
    Text,
)

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


RegencyAgencyKind = Literal["dinas", "badan", "sekretariat", "inspektorat", "rsud", "kecamatan"]
"""Agencies of the regency itself (PP 18/2016), which report their statistics to it."""

PartnerKind = Literal[
    "instansi_vertikal", "instansi_provinsi", "badan_hukum_publik", "bumn", "bumd", "desa"
]
"""Others that serve in the regency: offices of ministries and of the province, public bodies such
as BPJS, companies of the state and of the region, and villages."""

AgencyKind = Literal[RegencyAgencyKind, PartnerKind]

REGENCY_AGENCY_KINDS: frozenset[AgencyKind] = frozenset(get_args(RegencyAgencyKind))


def is_reported(status: str, kind: str | None) -> bool:
    """Return whether statistics of a service with this status are asked of an agency of a kind."""
    return status == "active" and kind in REGENCY_AGENCY_KINDS


class Agency(PackModel):
    """An agency (OPD) of the regency, or another institution that serves in it."""

    slug: Slug
    name: ShortText
    short_name: ShortText
    name_en: ShortText
    kind: AgencyKind = Field(description="Kind of agency by its place in the administration.")
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
    kind: Literal["life", "business"] = Field(
        "life", description="Whether it befalls a person or a business."
    )


LanguageTag = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)
]
"""Language tag (BCP 47) of further texts. Indonesian and English are fields of their own."""


class Translation(PackModel):
    """Texts in a further language; what is missing is shown in Indonesian."""

    name: ShortText | None = None
    summary: Text | None = None
    applies_when: Text | None = Field(None, description="When the case applies, in this language.")


Translations = dict[LanguageTag, Translation]


class Translated(PackModel):
    """Base of records with names in Indonesian, in English, and in further languages."""

    name: ShortText
    name_en: ShortText
    translations: Translations = Field(
        default_factory=dict[str, Translation],
        max_length=50,
        description="Texts in further languages by their tag (BCP 47), such as `bbc`.",
    )

    @model_validator(mode="after")
    def _has_two_languages_as_fields(self) -> "Translated":
        for tag, field in (("id", "name"), ("en", "name_en")):
            if tag in self.translations:
                raise rule_error(
                    self,
                    ("translations", tag),
                    N_("tertulis di %(field)s dan isian di sebelahnya"),
                    field=field,
                )
        return self


class Checked(PackModel):
    """Base of what is published with its sources, and of who compared it with practice."""

    sources: list[Slug] = Field(min_length=1, max_length=100)
    articles: dict[Slug, ShortText] = Field(
        default_factory=dict[str, str],
        max_length=100,
        description="Where it stands in a source, by the source's id: `Pasal 15 ayat (2)`.",
    )
    checked_on: IsoDate | None = Field(
        None, description="The day on which the agency last checked it; null if it never did."
    )
    checked_by: Slug | None = Field(None, description="Slug of the agency that checked it.")

    @model_validator(mode="after")
    def _articles_are_of_its_sources(self) -> "Checked":
        for source in self.articles:
            if source not in self.sources:
                raise rule_error(self, ("articles", source), N_("harus salah satu dari sources"))
        return self

    @model_validator(mode="after")
    def _is_checked_by_somebody_on_a_day(self) -> "Checked":
        if (self.checked_on is None) != (self.checked_by is None):
            missing = "checked_on" if self.checked_on is None else "checked_by"
            raise rule_error(self, (missing,), N_("isi juga, atau kosongkan keduanya"))
        return self


class Requirement(PackModel):
    """What the applicant brings: a type of document, or something in words."""

    document: Slug | None = Field(None, description="Slug of a document type.")
    text: Text | None = Field(
        None, description="In words: what it is, or of a document how it is brought."
    )
    text_en: Text | None = None

    @model_validator(mode="after")
    def _is_a_document_or_a_text(self) -> "Requirement":
        if self.document is None and self.text is None:
            raise rule_error(self, ("text",), N_("wajib diisi bila tidak ada dokumen"))
        if (self.text is None) != (self.text_en is None):
            missing = "text" if self.text is None else "text_en"
            raise rule_error(self, (missing,), N_("isi juga dalam bahasa kedua"))
        return self


class ServiceStep(PackModel):
    """A step of the applicant, in its place of the order."""

    text: Text
    text_en: Text


class LegalBasis(PackModel):
    """The regulation that sets something, and where in it."""

    source: Slug
    article: ShortText | None = Field(
        None, description="Article of the regulation; null if the whole is meant."
    )


class Tariff(PackModel):
    """What is paid for one thing; 0 if it is free."""

    amount: Annotated[int, Field(ge=0, le=10**12), StrictNumber] | None = Field(
        None, description="In whole units of the currency; null if `item` says how it is computed."
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        "IDR", description="ISO 4217."
    )
    item: Text = Field(description="What is paid for.")
    item_en: Text = Field(description="What the fee is for, in English.")
    legal_basis: LegalBasis = Field(description="Regulation that sets the fee.")


class ProcessingTime(PackModel):
    """How long the agency takes once everything has been handed in."""

    duration: Duration = Field(description="ISO 8601, such as P14D.")
    in_working_days: StrictBool = Field(
        False, description="Whether its days are working days; only of a duration in days."
    )
    legal_basis: LegalBasis = Field(description="Regulation that sets the time.")

    @model_validator(mode="after")
    def _working_days_are_days(self) -> "ProcessingTime":
        if self.in_working_days and not re.fullmatch(r"P\d+D", self.duration):
            raise rule_error(
                self, ("in_working_days",), N_("hanya untuk waktu dalam hari, seperti P14D")
            )
        return self


class Output(PackModel):
    """What the applicant gets, and how long it is valid."""

    document: Slug | None = Field(None, description="Slug of its document type.")
    name: ShortText | None = Field(None, description="In words, if it is no document.")
    name_en: ShortText | None = None
    validity: Duration | None = Field(None, description="ISO 8601, from its issue: P6M.")
    valid_for_life: StrictBool = Field(False, description="Whether the output never expires.")

    @model_validator(mode="after")
    def _is_one_thing_valid_for_one_time(self) -> "Output":
        if self.document is None and (self.name is None or self.name_en is None):
            missing = "name" if self.name is None else "name_en"
            raise rule_error(self, (missing,), N_("wajib diisi bila tidak ada dokumen"))
        if self.valid_for_life and self.validity is not None:
            raise rule_error(self, ("validity",), N_("kosongkan bila berlaku seumur hidup"))
        return self


class Channel(PackModel):
    """A way to reach a service, with what is different on it."""

    kind: ChannelKind = Field(description="Way in which the service is used.")
    link: Slug | None = Field(None, description="The portal behind an online channel.")
    note: Text | None = None
    note_en: Text | None = None
    requirements: list[Requirement] = Field(
        default_factory=list[Requirement],
        max_length=100,
        description="What this channel requires besides.",
    )
    tariffs: list[Tariff] = Field(
        default_factory=list[Tariff], max_length=100, description="What this channel costs."
    )
    time: ProcessingTime | None = Field(None, description="If it differs on this channel.")
    places: list[Slug] = Field(
        default_factory=list[Slug], max_length=500, description="Where it is, if not everywhere."
    )
    address: ShortText | None = Field(
        None, description="An e-mail address or telephone number of this channel."
    )

    @model_validator(mode="after")
    def _only_online_has_a_link(self) -> "Channel":
        if self.link is not None and self.kind != "online":
            raise rule_error(self, ("link",), N_("hanya untuk saluran daring; kosongkan"))
        if self.places and self.kind not in ("counter", "visit"):
            raise rule_error(self, ("places",), N_("hanya untuk loket atau kunjungan; kosongkan"))
        return self


class Component(Checked):
    """One published component of a service standard."""

    text: Text = Field(description="The component in words, in Indonesian.")
    text_en: Text = Field(description="The component in words, in English.")
    items: list[Text] = Field(
        default_factory=list[Text],
        max_length=200,
        description="Its points one by one, in Indonesian.",
    )
    items_en: list[Text] = Field(
        default_factory=list[Text], max_length=200, description="Its points one by one, in English."
    )
    duration: Duration | None = Field(None, description="ISO 8601, such as P14D.")
    working_days: Annotated[int, Field(ge=0, le=3650), StrictNumber] | None = Field(
        None, description="If the duration counts working days."
    )
    fee_idr: Annotated[int, Field(ge=0), StrictNumber] | None = Field(
        None, description="Rupiah; 0 if the service is free."
    )
    general: StrictBool = Field(
        False,
        description="Whether a regulation states it for all services of a kind, and not the agency "
        "for this one.",
    )

    @model_validator(mode="after")
    def _items_match(self) -> "Component":
        if self.items_en and len(self.items_en) != len(self.items):
            message = N_("banyak isinya harus sama dengan items, atau kosongkan")
            raise rule_error(self, ("items_en",), message)
        return self


class GeneralComponent(Component):
    """A component that a regulation states for all services of a kind, written once in a pack."""

    slug: Slug
    component: ComponentCode = Field(description="Which of the 14 components it is.")

    @property
    def as_component(self) -> dict[str, Any]:
        """The component as a service has it."""
        content = self.model_dump(mode="json", exclude={"slug", "component"}, exclude_unset=True)
        return content | {"general": True}


class Case(Translated, Checked):
    """A case of a service with requirements, steps, fees and time of its own: a lost card."""

    slug: Slug
    applies_when: Text | None = Field(None, description="To whom or when it applies.")
    applies_when_en: Text | None = Field(None, description="When the case applies, in English.")
    requirements: list[Requirement] = Field(
        default_factory=list[Requirement],
        max_length=100,
        description="What is required in this case.",
    )
    steps: list[ServiceStep] = Field(
        default_factory=list[ServiceStep],
        max_length=100,
        description="Steps of the procedure in this case.",
    )
    tariffs: list[Tariff] = Field(
        default_factory=list[Tariff], max_length=100, description="Fees in this case."
    )
    time: ProcessingTime | None = Field(None, description="Processing time in this case.")


class DocumentType(Translated):
    """A type of document that services require or issue."""

    slug: Slug
    issued_by_service: Slug | None = Field(
        None, description="The service of this catalogue that issues it."
    )
    issued_by: ShortText | None = Field(
        None, description="Who issues it, if no service of this catalogue does."
    )
    issued_by_en: ShortText | None = Field(None, description="Who issues the document, in English.")
    sources: list[Slug] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _is_issued_by_one(self) -> "DocumentType":
        if self.issued_by_service is not None and self.issued_by is not None:
            raise rule_error(self, ("issued_by",), N_("kosongkan bila issued_by_service diisi"))
        if (self.issued_by is None) != (self.issued_by_en is None):
            missing = "issued_by" if self.issued_by is None else "issued_by_en"
            raise rule_error(self, (missing,), N_("isi juga dalam bahasa kedua"))
        return self


class Coordinates(PackModel):
    """A point in Indonesia (WGS 84), in degrees."""

    latitude: Annotated[float, Field(ge=-11.1, le=6.2), StrictNumber]
    longitude: Annotated[float, Field(ge=94.9, le=141.1), StrictNumber]


Telephone = Annotated[
    str,
    StringConstraints(pattern=r"^\+?[0-9][0-9 -]{2,24}$", max_length=26),
    Field(examples=["+62 632 331234"]),
]


class Place(Translated):
    """An office or counter at which services are given."""

    slug: Slug
    agency: Slug = Field(description="Slug of the agency that runs it.")
    confirmed: StrictBool = Field(
        description="Whether a source states where it is; a page marks others as not certain."
    )
    address: Text | None = Field(None, description="Postal address of the place.")
    coordinates: Coordinates | None = Field(
        None, description="Position of the place; null if not known."
    )
    district: DistrictCode | None = Field(None, description="Code of its district (kecamatan).")
    hours: list[OpeningRule] = Field(
        default_factory=list[OpeningRule], max_length=100, description="Rules of the opening hours."
    )
    exceptions: list[OpeningException] = Field(
        default_factory=list[OpeningException],
        max_length=400,
        description="Days on which the hours differ.",
    )
    telephone: Telephone | None = Field(None, description="Telephone number; null without one.")
    whatsapp: Telephone | None = Field(None, description="WhatsApp number; null without one.")
    email: Annotated[
        str | None,
        StringConstraints(
            pattern=r"^[^@\s\x00-\x1F\x7F]+@[^@\s\x00-\x1F\x7F]+\.[^@\s\x00-\x1F\x7F]+$",
            max_length=254,
        ),
    ] = None
    accessibility: Text | None = Field(None, description="Ramps, lifts, sign language and so on.")
    accessibility_en: Text | None = Field(
        None, description="How accessible the place is, in English."
    )
    counters: list[ShortText] = Field(default_factory=list[ShortText], max_length=200)
    note: Text | None = None
    note_en: Text | None = None
    sources: list[Slug] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _is_confirmed_with_an_address(self) -> "Place":
        if self.confirmed and self.address is None:
            raise rule_error(self, ("address",), N_("tempat yang pasti memerlukan alamat"))
        if not self.confirmed and self.coordinates is not None:
            raise rule_error(self, ("coordinates",), N_("hanya untuk tempat yang pasti"))
        return self

    def is_in(self, region: str) -> bool:
        """Return whether its district, if it names one, is of a regency."""
        return self.district is None or self.district.startswith(region)


class Service(Translated):
    """A public service, with the published components of its standard."""

    slug: Slug = Field(description="Its permanent name in addresses.")
    agency: Slug = Field(description="Slug of the agency that provides it.")
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
        description="Slugs of the life and business events in which it is needed.",
    )
    audience: list[Literal["citizen", "business", "organisation", "government"]] = Field(
        min_length=1, max_length=4, description="For whom the service is."
    )
    eligibility: Text | None = Field(None, description="Who may use it, in words.")
    eligibility_en: Text | None = Field(None, description="Who can apply, in English.")
    channels: list[Channel] = Field(min_length=1, max_length=50)
    components: dict[ComponentCode, Component] = Field(
        description="The published ones of the 14 components of a service standard."
    )
    cases: list[Case] = Field(
        default_factory=list[Case],
        max_length=50,
        description="Cases whose requirements, steps, fees or time differ.",
    )
    steps: list[ServiceStep] = Field(
        default_factory=list[ServiceStep], max_length=100, description="Steps, in their order."
    )
    tariffs: list[Tariff] = Field(
        default_factory=list[Tariff], max_length=100, description="Fees of the service."
    )
    time: ProcessingTime | None = Field(
        None, description="Processing time of the service; null if not published."
    )
    outputs: list[Output] = Field(
        default_factory=list[Output], max_length=50, description="What the applicant gets."
    )
    places: list[Slug] = Field(
        default_factory=list[Slug], max_length=500, description="Slugs of the places that give it."
    )
    places_decided_by: ShortText | None = Field(
        None, description="Who decides where it is given, if that is no fixed place."
    )
    places_decided_by_en: ShortText | None = Field(
        None, description="Who decides where it is given, in English."
    )
    requires: list[Slug] = Field(
        default_factory=list[Slug], max_length=100, description="Services that come before it."
    )
    followed_by: list[Slug] = Field(
        default_factory=list[Slug], max_length=100, description="Services that usually follow."
    )
    related: list[Slug] = Field(
        default_factory=list[Slug], max_length=100, description="Services that go with it."
    )
    owner: ShortText | None = Field(
        None, description="Unit or post that keeps this record up to date; no person's name."
    )
    assured_until: IsoDate | None = Field(
        None, description="The last day for which the agency assures that this record is right."
    )
    sources: list[Slug] = Field(min_length=1, max_length=100)
    note: Text | None = None

    @model_validator(mode="after")
    def _digital_means_online(self) -> "Service":
        online = any(channel.kind == "online" for channel in self.channels)
        if self.digital != online:
            right = "true" if online else "false"
            raise rule_error(
                self, ("digital",), N_("harus %(right)s, sesuai salurannya"), right=right
            )
        return self

    @model_validator(mode="after")
    def _cases_are_distinct(self) -> "Service":
        if (place := _repeated([case.slug for case in self.cases])) is not None:
            message = N_("kasus lain sudah bernama '%(slug)s'")
            slug = self.cases[place].slug
            raise rule_error(self, ("cases", place, "slug"), message, slug=slug)
        return self

    @model_validator(mode="after")
    def _leads_to_other_services(self) -> "Service":
        relations = {
            "requires": self.requires,
            "followed_by": self.followed_by,
            "related": self.related,
        }
        for field, slugs in relations.items():
            if self.slug in slugs:
                place: FieldPath = (field, slugs.index(self.slug))
                raise rule_error(self, place, N_("menyebut layanan ini sendiri"))
            if (at := _repeated(slugs)) is not None:
                raise rule_error(
                    self, (field, at), N_("'%(slug)s' tertulis dua kali"), slug=slugs[at]
                )
        return self

    @model_validator(mode="after")
    def _channels_are_at_its_places(self) -> "Service":
        for n, channel in enumerate(self.channels):
            for m, place in enumerate(channel.places):
                if place not in self.places:
                    message = N_("'%(place)s' harus salah satu tempat layanan ini")
                    raise rule_error(self, ("channels", n, "places", m), message, place=place)
        return self


def _repeated(keys: Sequence[str]) -> int | None:
    """Return the index of the first key that an earlier one equals."""
    return next((n for n, key in enumerate(keys) if key in keys[:n]), None)


class AgencyFile(PackModel):
    """`agencies.yaml`"""

    agencies: list[Agency]


class LifeEventFile(PackModel):
    """`life-events.yaml`"""

    life_events: list[LifeEvent]


class PlaceFile(PackModel):
    """`places.yaml`"""

    places: list[Place]


class DocumentTypeFile(PackModel):
    """`document-types.yaml`"""

    document_types: list[DocumentType]


class LinkSlug(PackModel):
    """A link's slug and operator, all that the catalogue needs of it."""

    model_config = ConfigDict(extra="ignore")

    slug: Slug
    national: StrictBool = False


class LinkSlugFile(PackModel):
    """`links.yaml`"""

    links: list[LinkSlug]


class GeneralComponentFile(PackModel):
    """`general-components.yaml`"""

    general_components: list[GeneralComponent]


class ServiceFile(PackModel):
    """`services/<agency>.yaml`; a component may be the slug of a general one."""

    services: list[Service]

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the schema of the file as it is written, with slugs of general components."""
        schema = super().model_json_schema(*args, **options)
        components = schema["$defs"]["Service"]["properties"]["components"]
        slug = {"type": "string", "description": "Slug of an entry of general-components.yaml."}
        components["additionalProperties"] = {"anyOf": [components["additionalProperties"], slug]}
        return schema
