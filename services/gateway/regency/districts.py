"""Districts (kecamatan) of the regency, offered as choices in forms."""

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
-- Replaces the districts of a region.
WITH incoming AS (
    SELECT code, name FROM unnest(CAST(:codes AS text[]), CAST(:names AS text[])) AS r (code, name)
),
removed AS (
    DELETE FROM gateway.district d
    WHERE d.region = :region AND NOT EXISTS (SELECT FROM incoming i WHERE i.code = d.code)
)
INSERT INTO gateway.district (region, code, name)
SELECT :region, code, name FROM incoming
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
    """Parse the districts of a pack; an empty list if it has no `districts.csv`."""
    file = root / "districts.csv"
    if not file.exists():
        return []
    parsed = read_csv(file, root, name="districts")
    districts = parse(parsed, DistrictFile).districts
    issues = duplicates(parsed, "districts", [each.code for each in districts], key="code")
    if issues:
        raise PackError(issues)
    return districts


async def load_districts(
    session: WriteSession, region: str, districts: list[District]
) -> list[Change]:
    """Store the districts of a pack; return the changes."""
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
    """Return code and name of every district, sorted by name."""
    rows = await session.execute(text(STORED), {"region": region})
    return [(row.code, row.name) for row in rows]
