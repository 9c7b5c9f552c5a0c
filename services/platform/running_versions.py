"""Which versions of the hub work on a database: each connection carries its version in its name.

A process of the hub always has connections, so that what the database lists is what runs, and
nothing is registered that a killed process would leave behind. Behind a pooler the name is that of
the last process that used a connection.
"""

import re

from sqlalchemy import text

from services.platform.database import ReadSession
from services.platform.version import version_mark

CONNECTIONS = """
-- Names of the hub's connections to this database.
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'emall %'
"""
NAME = re.compile(r"emall (?P<part>\w+)[^(]*(?:\((?P<version>.+)\))?")


async def list_other_versions(session: ReadSession) -> list[str]:
    """Return who works on the database with another version, such as `feedback (0.1.0 1a2b3c)`.

    Versions that carry no mark are named so too.
    """
    found = set[str]()
    for name in (await session.scalars(text(CONNECTIONS))).all():
        match = NAME.fullmatch(name)
        if match is not None and match["version"] != version_mark():
            found.add(f"{match['part']} ({match['version'] or 'an older version'})")
    return sorted(found)
