"""The codes in the short addresses of posters: short, without lookalike letters, stable.

A code is derived from the subject of the poster, so that a new installation of the hub gives the
codes that already hang on walls; and it is stored, so that no other poster ever gets it.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Change

# No vowels, so that no code is a word, and nothing that looks like 0, 1 or 5.
ALPHABET = "bcdfghjkmnpqrtvwxyz2346789"
MIN_CODE_LENGTH = 5

PosterKind = Literal["layanan", "survei", "kantor"]
"""Leads to a service, to the survey about a service, to the survey about an office."""

KINDS: tuple[PosterKind, ...] = get_args(PosterKind)

STORED = """
-- Every poster of a region.
SELECT code, kind, slug FROM gateway.poster WHERE region = :region
"""

STORE = """
-- New posters; existing ones are not touched.
INSERT INTO gateway.poster (region, code, kind, slug)
SELECT :region, code, kind, slug
FROM unnest(CAST(:codes AS text[]), CAST(:kinds AS text[]), CAST(:slugs AS text[]))
    AS g (code, kind, slug)
"""

FIND = """
-- The poster with this code.
SELECT code, kind, slug FROM gateway.poster WHERE region = :region AND code = :code
"""

FIND_ABOUT = """
-- The poster of a kind about a service or an office.
SELECT code, kind, slug FROM gateway.poster
WHERE region = :region AND kind = :kind AND slug = :slug
"""


@dataclass(frozen=True, order=True)
class Subject:
    """The subject of a poster: its kind, and the service or the office."""

    kind: PosterKind
    slug: str


@dataclass(frozen=True)
class Poster:
    """A poster with its code."""

    code: str
    subject: Subject

    @property
    def path(self) -> str:
        """The path of the short address."""
        return f"/s/{self.code}"


def candidates(region: str, subject: Subject) -> Iterator[str]:
    """Yield the codes that a poster may have, the shortest first."""
    name = "\n".join((region, subject.kind, subject.slug))
    number = int.from_bytes(hashlib.sha256(name.encode()).digest())
    digits = ""
    while number:
        number, digit = divmod(number, len(ALPHABET))
        digits += ALPHABET[digit]
        if len(digits) >= MIN_CODE_LENGTH:
            yield digits


def code_of(region: str, subject: Subject, *, taken: Collection[str]) -> str:
    """Return the shortest code of a poster that no other one has."""
    return next(code for code in candidates(region, subject) if code not in taken)


def subjects_of(services: Iterable[str], agencies: Iterable[str]) -> list[Subject]:
    """Return the subjects of all posters for these services and offices."""
    about_services = [
        Subject(kind, slug) for slug in services for kind in KINDS if kind != "kantor"
    ]
    return [*about_services, *(Subject("kantor", slug) for slug in agencies)]


async def load_posters(
    session: WriteSession, region: str, subjects: Sequence[Subject]
) -> list[Change]:
    """Assign a code to every poster that has none. Codes are never reassigned or deleted."""
    rows = (await session.execute(text(STORED), {"region": region})).all()
    taken = {row.code for row in rows}
    known = {Subject(row.kind, row.slug) for row in rows}
    new: dict[str, Subject] = {}
    for subject in sorted(set(subjects) - known):
        code = code_of(region, subject, taken=taken | new.keys())
        new[code] = subject
    if new:
        await session.execute(
            text(STORE),
            {
                "region": region,
                "codes": list(new),
                "kinds": [subject.kind for subject in new.values()],
                "slugs": [subject.slug for subject in new.values()],
            },
        )
    return [Change("poster", f"{subject.kind}/{subject.slug}", "added") for subject in new.values()]


async def store_posters_of(
    region: str, session: WriteSession, services: Sequence[str], agencies: Sequence[str]
) -> list[Change]:
    """Assign codes to the posters of these services and offices that have none."""
    return await load_posters(session, region, subjects_of(services, agencies))


async def find_poster(session: ReadSession, region: str, code: str) -> Poster | None:
    """Return the poster with a typed code, or None."""
    row = (
        await session.execute(text(FIND), {"region": region, "code": code.lower()})
    ).one_or_none()
    return None if row is None else Poster(row.code, Subject(row.kind, row.slug))


async def poster_about(
    session: ReadSession, region: str, kind: PosterKind, slug: str
) -> Poster | None:
    """Return the poster of a kind about a service or an office, or None."""
    row = (
        await session.execute(text(FIND_ABOUT), {"region": region, "kind": kind, "slug": slug})
    ).one_or_none()
    return None if row is None else Poster(row.code, Subject(row.kind, row.slug))


async def list_posters(session: ReadSession, region: str) -> list[Poster]:
    """Return every poster of a region."""
    rows = await session.execute(text(STORED), {"region": region})
    return [Poster(row.code, Subject(row.kind, row.slug)) for row in rows]
