"""Begins the pack of a regency: national facts, and the register of its districts and villages.

What is national is not written a second time: it is taken from the pack that `packs/national`
names, without what cites a source of that regency. What is the regency's own stays empty, and
`emall pack check` lists it.
"""

import csv
import lzma
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from services.platform.packs import PackModel, Source, SourceKind, parse, read_yaml
from services.platform.settings import ROOT
from services.platform.types import ShortText, Slug, Text

NATIONAL = ROOT / "packs" / "national"
REGULATIONS: frozenset[SourceKind] = frozenset(
    ("law", "government_regulation", "presidential_regulation", "ministerial_regulation")
)
OWN_KINDS = frozenset(("dinas", "badan", "sekretariat", "inspektorat", "kecamatan"))
"""Kinds of agencies whose names a regulation of the regency sets."""
OWN_FIELDS = frozenset(("checked_on", "checked_by", "owner", "assured_until"))
"""What people of a regency confirmed of a service."""
Record = dict[str, Any]
"""A record of a pack's file, as YAML holds it."""


class AgencyTexts(PackModel):
    """Texts of an agency in place of those in the pack that it is taken from."""

    name: ShortText | None = None
    short_name: ShortText | None = None
    name_en: ShortText | None = None
    note: Text | None = None


class RegisterSource(PackModel):
    """The source of the register, as a new pack cites it."""

    title: ShortText
    kind: SourceKind
    publisher: ShortText
    year: int
    url: ShortText
    note: Text


class NationalFacts(PackModel):
    """`packs/national/national.yaml`: what of a pack holds in every regency."""

    pack: Slug
    sources: list[Slug]
    agencies_left_out: list[Slug]
    services_left_out: list[Slug]
    agencies_by: Slug
    agency_note: Text
    partner_note: Text
    agencies: dict[Slug, AgencyTexts]
    timezones: dict[Literal["Asia/Makassar", "Asia/Jayapura"], list[ShortText]]
    register_source: RegisterSource = Field(alias="register")


class UnknownRegencyError(Exception):
    """The register has no regency or city of this code."""


@dataclass(frozen=True)
class Regency:
    """A regency or city of the register."""

    code: str
    name: str
    province_code: str
    province: str

    @property
    def place(self) -> str:
        """The name without its kind: `Samosir` of `Kabupaten Samosir`."""
        return self.name.split(" ", 1)[1]

    @property
    def is_city(self) -> bool:
        return self.name.startswith("Kota ")

    @property
    def name_en(self) -> str:
        return f"{self.place} {'City' if self.is_city else 'Regency'}"

    @property
    def slug(self) -> str:
        """The name of its pack: `samosir`, of a city `kota-medan`."""
        named = self.name if self.is_city else self.place
        return re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")


def list_regencies(province: str | None = None) -> list[Regency]:
    """Return the regencies and cities of the register, or of one province."""
    provinces = {row["code"]: row["name"] for row in _rows("provinces.csv")}
    return [
        Regency(row["code"], row["name"], row["province_code"], provinces[row["province_code"]])
        for row in _rows("regencies.csv")
        if province in (None, row["province_code"])
    ]


def find_regency(code: str) -> Regency:
    """Return the regency or city of a code; raise `UnknownRegencyError` if there is none."""
    for regency in list_regencies():
        if regency.code == code:
            return regency
    raise UnknownRegencyError(
        f"the register has no regency or city with the code {code!r}; codes are those of the "
        "Ministry of Home Affairs, such as 12.17 for Samosir"
    )


def write_new_pack(regency: Regency, folder: Path) -> int:
    """Write the pack of a regency to a folder that does not exist yet; return its services.

    The folder is written whole or not at all. Raise `FileExistsError` if it exists.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists already")
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        contents = new_pack_contents(regency)
        for name, content in contents.items():
            _write_yaml(unfinished / name, content)
        write_register(regency, unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    files = (content for name, content in contents.items() if name.startswith("services/"))
    return sum(len(content["services"]) for content in files)


def new_pack_contents(regency: Regency) -> dict[str, Record]:
    """Return the contents of the YAML files of a regency's new pack, by name."""
    return _NewPack(regency).contents()


class _NewPack:
    """The national part of a pack, told of another regency."""

    def __init__(self, regency: Regency) -> None:
        self.regency = regency
        self.facts = parse(read_yaml(NATIONAL / "national.yaml", NATIONAL), NationalFacts)
        self.origin = ROOT / "packs" / self.facts.pack
        self.origin_name = str(self._read("pack.yaml")["name"])
        listed: list[Record] = self._read("sources.yaml")["sources"]
        self.sources = {str(source["id"]): source for source in listed}
        self.national = {
            key
            for key, source in self.sources.items()
            if source["kind"] in REGULATIONS or key in self.facts.sources
        }

    def contents(self) -> dict[str, Record]:
        agencies = [self._agency(one) for one in self._shared_agencies()]
        known = {str(agency["slug"]): agency for agency in agencies}
        services = list(self._services(known))
        slugs = {str(service["slug"]) for service in services}
        for service in services:
            for field in ("requires", "followed_by", "related"):
                if field in service:
                    service[field] = [slug for slug in service[field] if slug in slugs]
        documents = [
            document
            for document in self._read("document-types.yaml")["document_types"]
            if document.get("issued_by_service") in (None, *slugs)
        ]
        links = [one for one in self._read("links.yaml")["links"] if one.get("national")]
        cited = [one for one in map(self._national_part, links) if one is not None]
        connectors = self._connectors(slugs)
        surveys = {file.name: self._survey(file) for file in self._files("surveys")}
        general = self._read("general-components.yaml")
        events = self._read("life-events.yaml")
        places = [self._place(one, known) for one in self._read("places.yaml")["places"]]
        contents: dict[str, Record] = {
            "agencies.yaml": {"agencies": agencies},
            "life-events.yaml": events,
            "general-components.yaml": general,
            "document-types.yaml": {"document_types": documents},
            "places.yaml": {"places": [place for place in places if place is not None]},
            "links.yaml": {"links": cited},
            "connectors.yaml": connectors,
        }
        for agency in known:
            own = [service for service in services if service["agency"] == agency]
            if own:
                contents[f"services/{agency}.yaml"] = {"services": own}
        contents |= {f"surveys/{name}": survey for name, survey in surveys.items()}
        contents["sources.yaml"] = {"sources": list(self._sources_of(contents.values()))}
        contents["pack.yaml"] = self._head(known)
        return contents

    def _head(self, agencies: Mapping[str, Record]) -> Record:
        regency = self.regency
        zones = self.facts.timezones.items()
        zone = next((zone for zone, codes in zones if regency.province_code in codes), None)
        lead = self._read("pack.yaml").get("lead_agency")
        return {
            "region": regency.code,
            "name": regency.name,
            "name_en": regency.name_en,
            "province": regency.province,
            "province_code": regency.province_code,
            "timezone": zone or "Asia/Jakarta",
            **({"lead_agency": lead} if lead in agencies else {}),
        }

    def _shared_agencies(self) -> Iterator[Record]:
        for agency in self._read("agencies.yaml")["agencies"]:
            if agency["slug"] not in self.facts.agencies_left_out:
                yield agency

    def _agency(self, agency: Record) -> Record:
        facts = self.facts
        names = facts.agencies.get(agency["slug"], AgencyTexts()).model_dump(exclude_none=True)
        cited = [key for key in agency["sources"] if key in self.national]
        note = facts.agency_note if agency["kind"] in OWN_KINDS else facts.partner_note
        return {
            **agency,
            **{field: self._named(text) for field, text in {"note": note, **names}.items()},
            "sources": cited or [facts.agencies_by],
        }

    def _place(self, place: Record, agencies: Mapping[str, Record]) -> Record | None:
        """Return a place as an office that nobody has confirmed; None without its agency."""
        agency = agencies.get(place["agency"])
        if agency is None:
            return None
        is_office = agency["name"].startswith("Kantor ")
        return {
            "slug": place["slug"],
            "agency": place["agency"],
            "name": agency["name"] if is_office else f"Kantor {agency['short_name']}",
            "name_en": agency["name_en"] if is_office else f"Office of {agency['short_name']}",
            "confirmed": False,
            "sources": agency["sources"],
        }

    def _services(self, agencies: Mapping[str, Record]) -> Iterator[Record]:
        for file in self._files("services"):
            for service in self._read(f"services/{file.name}")["services"]:
                if (
                    service["agency"] in agencies
                    and service["slug"] not in self.facts.services_left_out
                    and (shared := self._national_part(service)) is not None
                ):
                    yield self._told_here(shared)

    def _survey(self, file: Path) -> Record:
        """Return a survey whole: the questionnaire's own source is that of its questions."""
        survey: Record = self._told_here(self._read(f"surveys/{file.name}"))
        survey.pop("population", None)
        return survey

    def _connectors(self, services: set[str]) -> Record:
        connectors = self._read("connectors.yaml")
        oss: Record | None = connectors.get("oss")
        if oss is None:
            return {"feeds": []}
        rules = [rule for rule in oss["rules"] if rule["service"] in services]
        return {"feeds": [], "oss": {**oss, "version": f"{self.regency.slug}-1", "rules": rules}}

    def _national_part(self, record: Record) -> Record | None:
        """Return a record without what cites a source of the regency; None if nothing remains."""
        if (cited := record.get("sources")) is not None:
            cited = [key for key in cited if key in self.national]
            if not cited:
                return None
        shared: Record = {}
        for key, value in record.items():
            if key == "sources":
                shared[key] = cited
            elif key in OWN_FIELDS:
                continue
            elif key == "components":
                shared[key] = {
                    code: part for code, part in value.items() if self._is_national(part)
                }
            elif isinstance(value, list) and key != "places":
                shared[key] = [one for one in _items(value) if self._is_national(one)]
            elif self._is_national(value):
                shared[key] = value
        return shared

    def _is_national(self, value: object) -> bool:
        """Return whether a value cites no source of the regency, at any depth."""
        return all(key in self.national for key in _cited(value))

    def _sources_of(self, contents: Iterable[Record]) -> Iterator[Record]:
        waiting = {key for content in contents for key in _cited(content)}
        needed: set[str] = set()
        while waiting:
            key = waiting.pop()
            needed.add(key)
            waiting |= set(self.sources[key].get("amended_by", ())) - needed
        yield from (source for key, source in self.sources.items() if key in needed)
        register = self.facts.register_source.model_dump()
        register["title"] = self._named(register["title"])
        source_id = f"wilayah-{self.regency.code.replace('.', '-')}"
        yield Source(id=source_id, **register).model_dump(exclude_defaults=True)

    def _told_here(self, value: Any) -> Any:
        """Return texts that name the regency they come from, or its kind, of this one instead."""
        if isinstance(value, str):
            text = value.replace(self.origin_name, self.regency.name)
            if self.regency.is_city:
                text = re.sub(r"\bkabupaten\b(?!/kota)", "kota", text)
                text = re.sub(r"\bregency\b", "city", text)
            return text
        if isinstance(value, list):
            return [self._told_here(one) for one in _items(value)]
        if isinstance(value, dict):
            fields: Record = value
            return {key: self._told_here(one) for key, one in fields.items()}
        return value

    def _named(self, text: str) -> str:
        return text.format(name=self.regency.name, place=self.regency.place)

    def _files(self, kind: str) -> list[Path]:
        return sorted((self.origin / kind).glob("*.yaml"))

    def _read(self, name: str) -> Any:
        return _content(self.origin, name)


@cache
def _content(root: Path, name: str) -> Any:
    return read_yaml(root / name, root).data


def write_register(regency: Regency, folder: Path) -> None:
    """Write the districts and villages of a regency, with their licence, to a folder."""
    inside = f"{regency.code}."
    with (folder / "districts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("code", "regency_code", "name"))
        for row in _rows("districts.csv", inside=inside):
            writer.writerow((row["code"], row["regency_code"], row["name"]))
    with (folder / "villages.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("code", "district_code", "name"))
        for row in _rows("villages.csv.xz", inside=inside):
            writer.writerow((row["code"], row["district_code"], row["name"]))
    shutil.copyfile(NATIONAL / "LICENSE-ODbL.md", folder / "LICENSE-ODbL.md")


def _rows(name: str, *, inside: str = "") -> Iterator[dict[str, str]]:
    """Yield the rows of a file of the register, or those whose code begins so.

    Lines are chosen before they are parsed: there are 83,762 villages.
    """
    header, *lines = _register_text(name).splitlines()
    yield from csv.DictReader([header, *(line for line in lines if line.startswith(inside))])


@cache
def _register_text(name: str) -> str:
    content = (NATIONAL / name).read_bytes()
    return (lzma.decompress(content) if name.endswith(".xz") else content).decode("utf-8")


def _items(value: list[Any]) -> list[Any]:
    return value


def _cited(value: object) -> Iterator[str]:
    """Yield the ids of sources that a value cites, at any depth."""
    if isinstance(value, list):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _cited(one)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, dict):
        fields: Record = value  # pyright: ignore[reportUnknownVariableType]
        for key, inner in fields.items():
            if key == "sources":
                yield from inner
            elif key == "source":
                yield inner
            else:
                yield from _cited(inner)


def _write_yaml(file: Path, content: Record) -> None:
    file.parent.mkdir(exist_ok=True)
    schema = "surveys" if file.parent.name == "surveys" else file.stem
    if file.parent.name == "services":
        schema = "services"
    depth = "../../" if file.parent.name in ("services", "surveys") else "../"
    text = yaml.dump(
        content, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=1000
    )
    file.write_text(f"# yaml-language-server: $schema={depth}schema/{schema}.json\n{text}")
