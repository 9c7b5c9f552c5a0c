"""Links with codes, for tests of what they open."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from services.gateway.api_keys.signed_links import LinkUse, SignedLink, issue_link
from services.gateway.people.passwords import PasswordHashes
from services.platform.database import Database
from services.platform.identity import load_private_key
from services.platform.settings import Service, Settings


def new_link(
    settings: Settings,
    use: LinkUse,
    agency: str = "dukcapil",
    *,
    life: timedelta = timedelta(days=7),
) -> SignedLink:
    """Issue a link of an agency, for a hub with these settings."""

    async def work() -> SignedLink:
        database = Database(settings, Service.gateway)
        async with database.write_session() as session:
            link = await issue_link(
                session,
                settings.region,
                key=load_private_key(settings.secrets_key_file),
                hashes=PasswordHashes(),
                use=use,
                agency=agency,
                now=datetime.now(UTC),
                lifetime=life,
            )
        await database.close()
        return link

    # In a thread: the main thread of a browser test has a running event loop.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work()).result()


def fields_of(link: SignedLink) -> dict[str, str]:
    """Return what is typed to sign in with a link."""
    return {"tautan": link.token, "kode": link.code}


def wrong_code(link: SignedLink) -> str:
    """Return a code that is not the link's."""
    return f"{(int(link.code) + 1) % 10**6:06}"
