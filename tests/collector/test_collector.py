"""Hubs over sockets: one stops, others change a key, alter or replay; each is named rightly."""

import asyncio
import html
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from services.assessment.bundles.signing import Signer
from services.collector.app import create_app
from services.collector.collecting import CollectionResult, Collector
from services.collector.hub_list import HubList, ListedHub
from services.collector.migration import migrate_collector
from services.gateway.app import create_app as create_hub
from services.gateway.outbound.client import TimeoutPolicy
from services.platform.database import Database
from services.platform.settings import Settings, Standalone
from tests.collector.mock_hubs import FIRST, MockHub, answers_of, bundle_of
from tests.conftest import Server, new_key
from tests.servers import LOOPBACK, serving

pytestmark = pytest.mark.slow

NATIONAL = "/api/v1/national"
QUICK = TimeoutPolicy(total=5, connect=1, attempts=2, backoff=0.01)
STOPPED, RENEWED, ALTERED, REPLAYING = "12.01", "12.02", "12.03", "12.04"
LATER = FIRST + timedelta(days=30)


def signer(number: int) -> Signer:
    """Return a key of a hub."""
    return Signer(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


@dataclass
class Province:
    """A collector with its list of hubs, on a database of its own."""

    settings: Settings
    hubs: HubList
    folder: Path

    def collect(self) -> CollectionResult:
        """Read every hub once."""

        async def work() -> CollectionResult:
            database = Database(self.settings, Standalone.collector)
            try:
                return await Collector(
                    database, self.settings, self.hubs, self.folder, timeouts=QUICK
                ).collect()
            finally:
                await database.close()

        return asyncio.run(work())

    def client(self) -> TestClient:
        """Return a client of what the collector serves; the hubs are read by `collect`."""
        return TestClient(create_app(self.settings, self.hubs, self.folder, every=None))


@pytest.fixture
def collector_settings(server: Server) -> Iterator[Settings]:
    """Provide settings of a collector on a database of its own."""
    with server.database_from("template1") as name:
        settings = server.settings(name, region="12", ssrf_allowed_hosts=frozenset({"127.0.0.1"}))
        asyncio.run(migrate_collector(settings))
        yield settings


def get(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(f"{NATIONAL}/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def settle(client: TestClient, before: str) -> dict[str, Any]:
    """Wait until a later round than one is shown, and return its coverage."""
    for _ in range(60):
        coverage = get(client, "coverage")
        if coverage["collected_at"] > before:
            return coverage
    raise AssertionError("the last round is not shown")


def listed(code: str, name: str, address: str, *keys: str) -> ListedHub:
    return ListedHub(code=code, name=name, address=address, keys=list(keys), folder=None)


def publish(real: str, settings: Settings) -> tuple[dict[str, Any], str]:
    """Let a hub publish an assessment; return its answers to a collector, and its key."""
    key = new_key(settings, "diskominfo", "metrics:draft")
    made = LOOPBACK.post(
        f"{real}/api/v1/assessments",
        json={"period": 2024, "draws": 200},
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert made.status_code == 201, made.text
    shown = LOOPBACK.get(f"{real}/api/v1/metrics/publishing-key").json()
    return answers_of(real), shown["fingerprint"]


def test_hubs_that_stop_change_keys_alter_or_replay_are_named_and_not_ranked(  # noqa: PLR0915
    settings: Settings, collector_settings: Settings, tmp_path: Path
) -> None:
    codes = {STOPPED: 0.2, RENEWED: 0.4, ALTERED: 0.6, REPLAYING: 0.8}
    with ExitStack() as rest, ExitStack() as stopping:
        real = rest.enter_context(serving(create_hub(settings)))
        answers, real_key = publish(real, settings)
        mocks = {
            code: MockHub(
                code,
                signer(number).public.fingerprint,
                {
                    UUID(int=number): bundle_of(
                        code, share, signer=signer(number), number=number, at=LATER
                    )
                },
                answers,
                broken_links=frozenset({"oss"}) if number < 3 else frozenset(),
            )
            for number, (code, share) in enumerate(codes.items(), 1)
        }
        hubs = [
            listed(
                code,
                f"Kabupaten {code}",
                (stopping if code == STOPPED else rest).enter_context(serving(one.app())),
                one.key,
            )
            for code, one in mocks.items()
        ]
        hubs.append(listed("12.12", "Kabupaten Toba", real, real_key))
        brought = tmp_path / "brought"
        brought.mkdir()
        file = bundle_of("12.05", 0.5, signer=signer(9), number=50)
        (brought / "2024.zip").write_bytes(file)
        hubs.append(
            ListedHub(
                code="12.05",
                name="Kabupaten tanpa jaringan",
                keys=[signer(9).public.fingerprint],
                address=None,
                folder="brought",
            )
        )
        names = HubList(name="Provinsi Uji", name_en="Test Province", hubs=hubs)
        province = Province(collector_settings, names, tmp_path)
        client = rest.enter_context(province.client())
        assert client.get(f"{NATIONAL}/coverage").status_code == 503

        first = province.collect()
        assert (first.hubs, first.answered, first.accepted, first.findings) == (6, 5, 6, 0)
        ranked = get(client, "ranking")
        assert {one["region"] for one in ranked["items"]} == {*codes, "12.05", "12.12"}
        assert ranked["excluded"] == []
        mock_order = [one["region"] for one in ranked["items"] if one["region"] in codes]
        assert mock_order == [REPLAYING, ALTERED, RENEWED, STOPPED]

        # Nothing is asked twice that did not change.
        asked = {code: len(one.asked) for code, one in mocks.items()}
        before = mocks[RENEWED].asked[:]
        again = province.collect()
        assert (again.accepted, again.findings) == (0, 0)
        second = mocks[RENEWED].asked[len(before) :]
        assert not any("bundle" in path for path, _ in second)
        assert {path.partition("?")[0] for path, status in second if status == 304} == {
            "usage/reporting",
            "links",
        }
        assert all(len(one.asked) <= 2 * asked[code] for code, one in mocks.items())

        stopping.close()
        new = bundle_of(RENEWED, 0.95, signer=signer(77), number=20, at=LATER + timedelta(days=1))
        mocks[RENEWED].published = {UUID(int=20): new, **mocks[RENEWED].published}
        mocks[RENEWED].key = signer(77).public.fingerprint
        good = bundle_of(ALTERED, 0.95, signer=signer(3), number=30, at=LATER + timedelta(days=1))
        lie = good.replace(b'"proven": ', b'"proven": 9', 1)
        mocks[ALTERED].published = {UUID(int=30): lie, **mocks[ALTERED].published}
        old = bundle_of(REPLAYING, 0.99, signer=signer(4), number=3, at=FIRST)
        mocks[REPLAYING].published = {UUID(int=3): old}
        shown = get(client, "coverage")["collected_at"]
        result = province.collect()
        assert (result.answered, result.accepted) == (4, 0)

        coverage = settle(client, shown)
        # What is expected is the year before this one; all have 2024 alone.
        assert {key: coverage[key] for key in ("hubs", "untrusted", "silent", "behind")} == {
            "hubs": 6,
            "untrusted": 3,
            "silent": 1,
            "behind": 2,
        }
        known = {one["region"]: one for one in get(client, "hubs")["items"]}
        assert {code: known[code]["standing"] for code in codes} == {
            STOPPED: "silent",
            RENEWED: "untrusted",
            ALTERED: "untrusted",
            REPLAYING: "untrusted",
        }
        found = {code: known[code]["findings"] for code in codes}
        assert found[STOPPED] == []
        assert known[STOPPED]["silent_since"] is not None
        assert known[STOPPED]["assessment"]["proven"] is not None
        [key] = found[RENEWED]
        assert (key["kind"], key["expected"], key["received"]) == (
            "key_changed",
            signer(2).public.fingerprint,
            signer(77).public.fingerprint,
        )
        [alteration] = found[ALTERED]
        assert alteration["kind"] == "altered"
        assert alteration["subject"] == str(UUID(int=30))
        assert alteration["received"]
        [replay] = found[REPLAYING]
        assert replay["kind"] == "replayed"
        assert LATER.date().isoformat() in replay["expected"]
        assert FIRST.date().isoformat() in replay["received"]

        ranked = get(client, "ranking")
        assert {one["region"] for one in ranked["items"]} == {STOPPED, "12.05", "12.12"}
        assert {(one["region"], one["reason"]) for one in ranked["excluded"]} == {
            (code, "untrusted") for code in (RENEWED, ALTERED, REPLAYING)
        }
        [stopped] = [one for one in ranked["items"] if one["region"] == STOPPED]
        assert stopped["silent_since"] == known[STOPPED]["silent_since"]
        chances = get(client, f"ranking/{STOPPED}")
        assert sum(chances["rank_probabilities"]) == pytest.approx(1, abs=1e-4)
        assert set(chances["outranks"]) == {"12.05", "12.12"}
        elements = get(client, "elements")["items"]
        assert len([one for one in elements if one["level"] == "element"]) == 12
        assert all(one["region"] not in {RENEWED, ALTERED} for e in elements for one in e["best"])

        portals = {one["host"]: one for one in get(client, "outages")["items"]}
        oss = next(one for one in portals.values() if one["broken_for"])
        # The one that does not answer says nothing of today.
        assert [one["region"] for one in oss["seen_by"]] == [RENEWED]
        assert oss["watched_by"] <= 4
        services = get(client, "services", query="ktp hilang")
        assert services["items"][0]["regencies"] == 5
        assert {place["region"] for place in services["items"][0]["places"]} == {*codes, "12.12"}
        one = get(client, "services", query="ktp hilang", region="12.12")["items"][0]
        assert one["places"][0]["href"].startswith(f"{real}/layanan/")

        # The pages say the same, in both languages.
        page = client.get("/nasional").text
        assert "0 dari 6 kabupaten/kota melapor" in page
        for code in (RENEWED, ALTERED, REPLAYING):
            [shown_finding] = found[code]
            assert shown_finding["expected"] in page
            assert shown_finding["received"] in html.unescape(page)
        assert signer(77).public.fingerprint in page
        in_english = client.get("/nasional", params={"lang": "en"}).text
        assert "0 of 6 regencies report" in in_english
        order = client.get("/nasional/peringkat").text
        places = [order.index(f"{one['rank']}. <a") for one in ranked["items"]]
        assert places == sorted(places)
        assert "tidak menjawab" in order
        own_page = client.get(f"/nasional/kabupaten/{ALTERED}")
        assert own_page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert str(UUID(int=30)) not in client.get("/nasional/kabupaten/12.12").text
        assert client.get("/nasional/kabupaten/99.99").status_code == 404
        assert client.get("/nasional/kabupaten", params={"keadaan": "silent"}).text.count(
            f"Kabupaten {STOPPED}"
        )
        hits = client.get("/nasional/layanan", params={"q": "ktp hilang", "kabupaten": "12.12"})
        assert f"{real}/layanan/" in hits.text
        static = client.get("/static/emall.css")
        assert static.status_code == 200

        # What was published does not vanish unseen.
        published, mocks[REPLAYING].published = mocks[REPLAYING].published, {}
        assert province.collect().answered == 4
        settle(client, coverage["collected_at"])
        [gone] = get(client, f"hubs/{REPLAYING}")["findings"]
        assert (gone["kind"], gone["subject"]) == ("withdrawn", "2024")
        assert LATER.date().isoformat() in gone["expected"]
        mocks[REPLAYING].published = published
        coverage = get(client, "coverage")

        # A hub that is right again is believed again.
        mocks[ALTERED].published[UUID(int=30)] = good
        assert province.collect().accepted == 1
        settle(client, coverage["collected_at"])
        assert get(client, f"hubs/{ALTERED}")["findings"] == []
