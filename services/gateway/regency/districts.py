"""The districts (kecamatan) of the regency, to choose from instead of typing codes."""

from pathlib import Path

from pydantic import Field
from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.packs import (
    Change,
    PackError,
    PackModel,
    changes_between,
    duplicates,
    parse,
    read_csv,
)
from services.platform.types import DistrictCode, RegionCode, ShortText

STORED = """
-- The districts of a region by name.
SELECT code, name FROM gateway.district WHERE region = :region ORDER BY name, code
"""

REPLACE = """
-- Makes the districts of a region those that are given.
WITH given AS (
    SELECT code, name FROM unnest(CAST(:codes AS text[]), CAST(:names AS text[])) AS g (code, name)
),
gone AS (
    DELETE FROM gateway.district d
    WHERE d.region = :region AND NOT EXISTS (SELECT FROM given g WHERE g.code = d.code)
)
INSERT INTO gateway.district (region, code, name)
SELECT :region, code, name FROM given
ON CONFLICT (region, code) DO UPDATE SET name = excluded.name
"""


class District(PackModel):
    """A row of `districts.csv`."""

    code: DistrictCode
    regency_code: RegionCode
    name: ShortText


class DistrictFile(PackModel):
    """`districts.csv`"""

    districts: list[District] = Field(default_factory=list[District])


def read_districts(root: Path) -> list[District]:
    """The districts under this folder; none where a pack lists none."""
    file = root / "districts.csv"
    if not file.exists():
        return []
    located = read_csv(file, root, name="districts")
    districts = parse(located, DistrictFile).districts
    faults = duplicates(located, "districts", [each.code for each in districts], key="code")
    if faults:
        raise PackError(faults)
    return districts


async def load_districts(
    session: WriteSession, region: str, districts: list[District]
) -> list[Change]:
    """Makes the stored districts the pack's."""
    before = dict(await list_districts(session, region))
    changes = changes_between(
        "district",
        {code: {"name": name} for code, name in before.items()},
        {each.code: {"name": each.name} for each in districts},
    )
    if changes:
        await session.execute(
            text(REPLACE),
            {
                "region": region,
                "codes": [each.code for each in districts],
                "names": [each.name for each in districts],
            },
        )
    return changes


async def list_districts(session: ReadSession | WriteSession, region: str) -> list[tuple[str, str]]:
    """Code and name of every district, by name."""
    rows = await session.execute(text(STORED), {"region": region})
    return [(row.code, row.name) for row in rows]
