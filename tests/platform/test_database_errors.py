"""A database that is away: every route says so, and when to come again."""

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.database import is_connection_lost
from services.platform.settings import Settings
from tests.servers import free_port


@pytest.fixture(params=["nobody listens", "no such database", "no such role"])
def away(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Where nobody listens, or a server that is not this hub's, or not yet again."""
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    if request.param != "nobody listens":
        assert settings.database_url is not None
        there = make_url(settings.database_url.get_secret_value())
        is_database = request.param == "no such database"
        there = there.set(database="nothing") if is_database else there.set(username="nobody")
        url = there.render_as_string(hide_password=False)
    return settings.model_copy(update={"database_url": SecretStr(url)})


@pytest.mark.slow
def test_while_the_database_is_away_nothing_is_called_a_mistake(away: Settings) -> None:
    app = create_app(away)
    # Not as a context: the parts that work beside the requests need no database here.
    client = TestClient(app, raise_server_exceptions=False)
    for path in (
        "/api/v1/services",
        "/api/v1/services?query=ktp",
        "/api/v1/services/pbg",
        "/api/v1/usage/summary",
        "/api/v1/surveys",
        "/api/v1/links",
        "/api/v1/links/sla.csv?year=2025",
        "/api/v1/announcements",
        "/api/v1/incidents",
    ):
        answer = client.get(path)
        assert answer.status_code == 503, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "5"
        assert "database" in answer.json()["detail"]
    page = client.get("/layanan", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")


def wrapped(cause: BaseException, *, invalid: bool = False) -> DBAPIError:
    """Return an error of asyncpg as SQLAlchemy raises it."""
    inner = Exception("adapted")
    inner.__cause__ = cause
    return DBAPIError("SELECT 1", {}, inner, connection_invalidated=invalid)


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (ConnectionRefusedError(111, "refused"), True),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), True),
        (FileNotFoundError(2, "no such socket"), True),
        (FileNotFoundError(2, "no such file", "/etc/nothing"), False),
        (TimeoutError(), True),
        (PoolTimeout(), True),
        (asyncpg.CannotConnectNowError("starting up"), True),
        (asyncpg.TooManyConnectionsError("too many"), True),
        (asyncpg.DiskFullError("no space left"), True),
        (asyncpg.InvalidPasswordError("password authentication failed"), True),
        (wrapped(asyncpg.InvalidAuthorizationSpecificationError("no such role")), True),
        (wrapped(asyncpg.InvalidCatalogNameError("no such database")), True),
        (asyncpg.UndefinedTableError("no table"), False),
        (asyncpg.UniqueViolationError("known"), False),
        (wrapped(asyncpg.AdminShutdownError("terminating")), True),
        (wrapped(asyncpg.ConnectionDoesNotExistError("gone")), True),
        (wrapped(asyncpg.UndefinedColumnError("no column")), False),
        (wrapped(ValueError("unknown"), invalid=True), True),
        (IntegrityError("INSERT", {}, Exception("known")), False),
    ],
)
def test_an_outage_is_distinguished_from_an_error(error: Exception, away: bool) -> None:
    assert is_connection_lost(error) is away
