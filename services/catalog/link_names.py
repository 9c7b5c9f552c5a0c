"""The catalogue's copy of the links, which channels of services name."""

from collections.abc import Mapping

from sqlalchemy import text

from services.catalog import queries
from services.platform.database import WriteSession


async def replace_links(
    session: WriteSession, region: str, links: Mapping[str, bool]
) -> dict[str, list[str]]:
    """Replace the links; the value says whether a national body operates one.

    Return those that were to go and stay, since services lead to them, with these services.
    """
    parameters = {
        "region": region,
        "links": list(links),
        "national": [slug for slug, is_national in links.items() if is_national],
    }
    await session.execute(text(queries.REPLACE_LINKS), parameters)
    rows = await session.execute(text(queries.LINKS_IN_USE), parameters)
    return dict(rows.tuples().all())
