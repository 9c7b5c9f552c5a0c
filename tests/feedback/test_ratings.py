"""A token proves a use and opens a rating once; nothing that is kept joins it with the answer."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.feedback.app import create_app
from services.feedback.surveys.ratings import new_token
from services.platform.identity import Caller
from services.platform.local_time import DEFAULT_ZONE
from tests.conftest import Room, Server, agency_caller, room
from tests.feedback.answering import answer
from tests.feedback.feedback_rows import (
    columns_of_tokens,
    count_responses_stored_with_a_token,
    date_issues_back,
    have_only_their_day,
    make_tokens_older,
    stored_response,
    stored_tokens,
)
from tests.feedback.questions import scale, survey
from tests.feedback.sending import SURVEYS, USAGE, load

TOKENS = f"{USAGE}/rating-tokens"
RATING = survey("penilaian", scale("overall"), scale("ease", required=False), needs_token=True)
WRITER = agency_caller("dukcapil", "usage:write")


@pytest.fixture(scope="module")
def rating_service(server: Server, migrated: str) -> Iterator[Room]:
    """Provide a feedback service with a rating, an open survey and two agencies' services."""
    with (
        server.database_from(migrated) as name,
        room(create_app, server.settings(name)) as started,
    ):
        pairs = (("dukcapil", "akta"), ("dukcapil", "ktp"), ("disdik", "ijazah"))
        load(started, RATING, survey("open"), obligations=pairs)
        yield started


def issue(rating_service: Room, *, caller: Caller = WRITER, **more: Any) -> httpx.Response:
    return rating_service.post(TOKENS, {"service": "ktp"} | more, caller=caller)


def tokens(rating_service: Room, count: int, **more: Any) -> list[str]:
    issued = issue(rating_service, count=count, **more)
    assert issued.status_code == 201, issued.text
    return [item["token"] for item in issued.json()["items"]]


def rate(
    rating_service: Room,
    token: str | None,
    *,
    day: str | None = None,
    address: str | None = None,
    **more: Any,
) -> httpx.Response:
    """Rate, each time as another person."""
    body = {"id": str(uuid4()), "answers": {"overall": 4}} | more
    body |= {"token": token} if token else {}
    return answer(rating_service, "penilaian", body, day=day, address=address)


def subject(rating_service: Room, token: str) -> httpx.Response:
    """Ask what a token was issued for."""
    headers = {**rating_service.token(), "Rating-Token": token}
    return rating_service.client.get(f"{TOKENS}/subject", headers=headers)


def pointers(refused: httpx.Response, status: int = 409) -> list[str]:
    assert refused.status_code == status, refused.text
    return [error["pointer"] for error in refused.json()["errors"]]


def test_a_token_has_80_random_bits() -> None:
    assert new_token(lambda size: bytes(range(size))) == "aaaqeayeaudaocaj"


def test_a_token_opens_a_rating_once_and_names_its_subject(rating_service: Room) -> None:
    issued = issue(rating_service, channel="counter")
    assert issued.headers["cache-control"] == "no-store"
    [given] = issued.json()["items"]
    assert given["path"] == f"/nilai/{given['token']}"
    use = subject(rating_service, given["token"]).json()
    assert (use["survey"], use["service"], use["agency"], use["channel"]) == (
        "penilaian", "ktp", "dukcapil", "counter"
    )  # fmt: skip
    stored = rate(rating_service, given["token"])
    assert stored.status_code == 201
    response = stored_response(rating_service.settings, stored.json()["id"])
    assert response == ("ktp", "dukcapil", "counter")
    assert subject(rating_service, given["token"]).status_code == 404
    assert pointers(rate(rating_service, given["token"])) == ["#/token"]


def test_tokens_are_issued_once_for_an_idempotency_key(rating_service: Room) -> None:
    def ask(key: str | None, **more: Any) -> int:
        headers = rating_service.token(WRITER) | ({"Idempotency-Key": key} if key else {})
        body = {"service": "ktp"} | more
        return rating_service.client.post(TOKENS, json=body, headers=headers).status_code

    assert [ask("one"), ask("one"), ask("one", count=2)] == [201, 409, 409]
    assert [ask("two"), ask(None), ask(None)] == [201, 201, 201]


def test_a_rating_that_is_sent_twice_counts_once(rating_service: Room) -> None:
    [token] = tokens(rating_service, 1)
    body = {"id": str(uuid4())}
    assert [rate(rating_service, token, **body).status_code for _ in range(3)] == [201, 200, 200]


def test_of_many_concurrent_uses_of_a_token_one_is_accepted(rating_service: Room) -> None:
    [token] = tokens(rating_service, 1)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: rate(rating_service, token).status_code, range(8)))
    assert sorted(statuses) == [201] + [409] * 7


def test_a_refused_response_leaves_the_token_valid(rating_service: Room) -> None:
    [token] = tokens(rating_service, 1)
    assert pointers(rate(rating_service, token, answers={"overall": 5})) == ["#/answers/overall"]
    assert pointers(rate(rating_service, token, service="akta")) == ["#/service"]
    assert rate(rating_service, token).status_code == 201


def test_without_a_valid_token_nothing_is_stored(rating_service: Room) -> None:
    assert pointers(rate(rating_service, None)) == ["#/token"]
    assert pointers(rate(rating_service, "a" * 16)) == ["#/token"]
    assert rate(rating_service, "A' OR true--").status_code == 422
    [token] = tokens(rating_service, 1)
    open_one = {"token": token, "answers": {"used": "yes", "knows": ["oss"], "liked": 3}}
    assert pointers(rating_service.post(f"{SURVEYS}/open/responses", open_one)) == ["#/token"]
    assert subject(rating_service, token).status_code == 200


def test_no_stored_data_links_a_used_token_to_its_response(rating_service: Room) -> None:
    given = tokens(rating_service, 6)
    stored = [rate(rating_service, token).json()["id"] for token in reversed(given[:5])]
    assert all(token not in str(stored_tokens(rating_service.settings)) for token in given)
    assert columns_of_tokens(rating_service.settings) == {
        ("invitation_token", "hash"),
        ("rating_token", "hash"),
    }
    # Whatever rows the transactions of the answers wrote, none is of a token.
    assert count_responses_stored_with_a_token(rating_service.settings) == 0
    assert have_only_their_day(rating_service.settings, stored)


@pytest.mark.slow
def test_an_agency_sees_answers_with_the_bundle_that_hides_them(
    server: Server, migrated: str
) -> None:
    with (
        server.database_from(migrated) as name,
        room(create_app, server.settings(name)) as rating_service,
    ):
        load(rating_service, RATING, obligations=[("dukcapil", "ktp")])
        path = f"{SURVEYS}/penilaian/exports/responses.csv"

        def lines() -> int:
            rating_service.form_bundles()
            return len(rating_service.get(path, caller=WRITER).text.splitlines()) - 1

        for _ in range(2):
            for token in tokens(rating_service, 5):
                assert lines() == 0
                assert rate(rating_service, token).status_code == 201
            date_issues_back(rating_service.settings)
        assert lines() == 10
        assert rating_service.get(f"{SURVEYS}/penilaian/results").json()["n"] == 10


@pytest.mark.slow
def test_an_exported_answer_shows_what_all_of_its_bundle_share(
    server: Server, migrated: str
) -> None:
    admin = agency_caller("diskominfo", "admin")
    about_dukcapil = [("dukcapil", "ktp"), ("dukcapil", "akta")]
    with (
        server.database_from(migrated) as name,
        room(create_app, server.settings(name)) as rating_service,
    ):
        load(rating_service, RATING, obligations=[*about_dukcapil, ("disdik", "ijazah")])

        def answered(month: str, count: int, *, overall: int, **use: Any) -> None:
            for token in tokens(
                rating_service, count, caller=admin, **{"agency": "dukcapil"} | use
            ):
                stored = rate(
                    rating_service, token, answers={"overall": overall}, day=f"2024-{month}-14"
                )
                assert stored.status_code == 201, stored.text
            date_issues_back(rating_service.settings)

        def exported(period: str, caller: Caller = WRITER) -> dict[str, list[tuple[str, ...]]]:
            path = f"{SURVEYS}/penilaian/exports/responses.csv"
            sheet = rating_service.get(path, caller=caller, period=period).content.decode(
                "utf-8-sig"
            )
            found: dict[str, list[tuple[str, ...]]] = {}
            for line in csv.DictReader(io.StringIO(sheet), delimiter=";"):
                facts = ("month", "agency", "service", "channel", "mode")
                found.setdefault(line["overall"], []).append(tuple(line[f] for f in facts))
            return found

        # Two by phone among nine at the counter; a quarter together; a year with another agency.
        answered("05", 5, overall=4, service="ktp", channel="counter")
        answered("05", 4, overall=4, service="ktp", channel="counter")
        answered("05", 2, overall=1, service="ktp", channel="phone")
        answered("04", 5, overall=3, service="akta", channel="counter")
        answered("06", 5, overall=3, service="akta", channel="counter")
        answered("09", 5, overall=2, service="akta", channel="counter")
        answered("09", 5, overall=2, service="ijazah", agency="disdik", channel="counter")
        rating_service.form_bundles()
        assert rating_service.get(f"{SURVEYS}/penilaian/results", period="2024").json()["n"] == 31

        mixed_channels = ("2024-05", "dukcapil", "ktp", "", "api")
        quarter = ("2024-Q2", "dukcapil", "akta", "counter", "api")
        assert exported("2024") == {
            "1": [mixed_channels] * 2,
            "4": [mixed_channels] * 9,
            "3": [quarter] * 10,
        }
        # Nor does a shorter span tell what the bundle does not.
        assert set(exported("2024-05")) == {"1", "4"}
        assert exported("2024-06") == exported("2024-09") == {}
        assert exported("2024", admin)["2"] == [("2024-09", "", "", "counter", "api")] * 10


def test_an_agency_issues_tokens_for_its_own_services(rating_service: Room) -> None:
    assert pointers(issue(rating_service, service="ijazah")) == ["#/service"]
    assert issue(rating_service, agency="disdik", service="ijazah").status_code == 403
    admin = agency_caller("diskominfo", "admin")
    assert issue(rating_service, caller=admin, agency="disdik", service="ijazah").status_code == 201
    nobody = Caller(subject="gateway", scopes=frozenset({"usage:write"}))
    assert pointers(issue(rating_service, caller=nobody), 422) == ["#/agency"]
    assert rating_service.post(TOKENS, {"service": "ktp"}).status_code == 401
    assert pointers(issue(rating_service, survey="open")) == ["#/survey"]
    assert issue(rating_service, survey="no-such").status_code == 404
    assert issue(rating_service, count=501).status_code == 422
    assert len(set(tokens(rating_service, 500))) == 500


def test_a_token_expires_and_its_hash_is_deleted(rating_service: Room) -> None:
    [token] = tokens(rating_service, 1, days=1)
    assert subject(rating_service, token).json()["expires_on"] == str(
        datetime.now(UTC).astimezone(DEFAULT_ZONE).date() + timedelta(days=1)
    )
    make_tokens_older(rating_service.settings, days=400)
    assert subject(rating_service, token).status_code == 404
    assert pointers(rate(rating_service, token)) == ["#/token"]
    tokens(rating_service, 2)
    assert len(stored_tokens(rating_service.settings)) == 2
