"""A hub whose links are stand-ins, and the steps that its tests share."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.link_monitoring.pack import load_links
from services.gateway.link_monitoring.records import Link
from services.platform.database import Database
from services.platform.settings import Service, Settings
from tests.conftest import Hub
from tests.gateway.link_rows import make_hosts_available


def link(slug: str, url: str) -> Link:
    return Link(
        slug=slug,
        title=f"{slug.upper()}: layanan uji",
        title_en=f"{slug.upper()}: test service",
        url=url,
        kind="portal",
        operator="Dinas Uji",
        description="Portal uji.",
        description_en="Test portal.",
        e_mall=True,
        national=False,
        expected_text=None,
        note=None,
        sources=["study"],
    )


def store_links(settings: Settings, **urls: str) -> None:
    """Replace the links of the hub."""

    async def work() -> None:
        database = Database(settings, Service.gateway)
        async with database.write_session() as session:
            links = [link(slug, url) for slug, url in urls.items()]
            await load_links(session, settings.region, links, now=datetime.now(UTC))
        await database.close()

    asyncio.run(work())


def watching(settings: Settings, **more: Any) -> Settings:
    """Return settings of a hub that may connect to mocks on the loopback."""
    return settings.model_copy(update={"ssrf_allowed_hosts": frozenset({"127.0.0.1"})} | more)


@dataclass
class Watched(Hub):
    """A hub whose links are stand-ins."""

    admin: dict[str, str]

    def check(self, slug: str) -> dict[str, Any]:
        """Check a link now, without the pause between requests to its host."""
        make_hosts_available(self.settings)
        answer = self.client.post(f"/api/v1/links/{slug}/check", headers=self.admin)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any) -> dict[str, Any]:
        answer = self.client.post(f"/api/v1/{path}", json=body, headers=self.admin)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def items(self, path: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def health(self, slug: str) -> dict[str, Any]:
        return self.client.get(f"/api/v1/links/{slug}").json()["health"]


@contextmanager
def watched(settings: Settings, **urls: str) -> Generator[Watched]:
    """Provide a hub with these links, which are checked only on demand."""
    store_links(settings, **urls)
    open_to_loopback = watching(settings)
    with TestClient(create_app(open_to_loopback), follow_redirects=False) as client:
        hub = Watched(client, open_to_loopback, {})
        hub.admin = hub.auth("diskominfo", "admin")
        yield hub
