"""What is held about people is all named, and the report counts it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from services.cli.app import app as cli
from services.feedback.app import create_app
from services.platform.database import Database
from services.platform.settings import Service, Settings
from services.privacy import NO_PERSONAL_DATA, PERSONAL_DATA, format_report, privacy_report
from tests.conftest import room
from tests.feedback.complaints import contact, file

NOW = datetime.now(UTC)


async def tables_of(settings: Settings, service: Service) -> set[str]:
    """Every table of a service but the partitions of another."""
    database = Database(settings, service)
    try:
        async with database.read_session() as session:
            names = await session.scalars(
                text(
                    "SELECT c.relname FROM pg_class c "
                    "WHERE c.relnamespace = CAST(:schema AS regnamespace) "
                    "AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
                    "AND c.relname NOT LIKE 'alembic%'"
                ),
                {"schema": service.value},
            )
            return set(names)
    finally:
        await database.close()


@pytest.mark.parametrize("service", list(NO_PERSONAL_DATA))
def test_every_table_declares_whether_it_has_personal_data(
    empty: Settings, service: Service
) -> None:
    named = {holding.table for holding in PERSONAL_DATA if holding.service is service}
    assert not named & NO_PERSONAL_DATA[service]
    assert asyncio.run(tables_of(empty, service)) == named | NO_PERSONAL_DATA[service]


@pytest.mark.slow
def test_the_report_counts_personal_data_and_shows_its_retention(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with room(create_app, empty) as office:
        file(office, contact=contact())
        file(office)
    report = asyncio.run(privacy_report(empty, now=NOW))
    by_table = {table.table: table for table in report.tables}
    assert by_table["feedback.comment_contact"].rows == 1
    assert by_table["feedback.comment"].rows == 2
    assert by_table["feedback.comment"].retention.startswith("24 months")
    assert by_table["feedback.response"].oldest is None
    text = format_report(report)
    for table in report.tables:
        assert table.table in text
        assert "27/2022" in table.basis
    monkeypatch.setattr("services.cli.privacy.load_settings", lambda: empty)
    answer = CliRunner().invoke(cli, ["privacy", "report", "--json"])
    printed: dict[str, Any] = json.loads(answer.stdout)
    assert len(printed["tables"]) == len(PERSONAL_DATA)
    oldest = datetime.fromisoformat(str(by_table["feedback.comment"].oldest)).replace(tzinfo=UTC)
    assert NOW - oldest < timedelta(days=3)
