"""Usage events can be spread over several servers: by what stands in statements and tables.

tests/system/test_citus.py does it, where there is a cluster.
"""

import ast
import asyncio
import importlib
import pkgutil
import re
from collections.abc import Iterator
from itertools import combinations

import asyncpg
import pytest
from typer.testing import CliRunner

import services.feedback
from services.cli.app import app
from services.feedback.events.distribution import (
    DISTRIBUTED,
    TableState,
    distribution,
    find_faults,
)
from services.feedback.events.partitions import DELETE_IDS
from services.feedback.statistics import summary_queries
from services.platform.settings import ROOT, Settings

NAMED = re.compile(rf"\bfeedback\.({'|'.join(DISTRIBUTED)})\b")
READ_OR_CHANGED = re.compile(
    rf"\b(?:FROM|JOIN|USING|UPDATE)\s+feedback\.(?:{'|'.join(DISTRIBUTED)})\b"
)
REGION = re.compile(r"\bregion = (?::region|\$1|[a-z]+\.region)")
INSERTED = re.compile(
    rf"\bINSERT INTO feedback\.(?:{'|'.join(DISTRIBUTED)})\b[^(;]*"
    r"(?:\(region,[^)]*\)\s*)?(?:SELECT|VALUES \() ?(?:DISTINCT )?(?:\$1|:region)"
)
"""Rows of one region, named first."""


def without_comments(statement: str) -> str:
    return re.sub(r"--[^\n]*", "", statement)


def statements() -> Iterator[tuple[str, str]]:
    """Yield every statement of feedback that names a table that is distributed."""
    for module in pkgutil.walk_packages(services.feedback.__path__, "services.feedback."):
        if module.name == distribution.__module__:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, str) and NAMED.search(value):
                yield f"{module.name}.{name}", value
    dimensions = ["month", "agency", "service", "link", "source", "channel", "district"]
    for chosen in combinations(dimensions, 2):
        yield f"summary{chosen}", summary_queries.summary(list(chosen))
    yield "hourly_summary", summary_queries.hourly_summary(["day", "hour", "service"])
    yield "district_summary", summary_queries.district_summary(["month", "service", "district"])


STATEMENTS = {name: value for name, value in statements() if value is not DELETE_IDS}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_has_a_distributed_plan(name: str) -> None:
    statement = without_comments(STATEMENTS[name])
    if "SELECT" not in statement and "DELETE" not in statement:  # a lock of the table
        return
    # The region finds the shard; without it the statement would ask every server.
    regions = len(REGION.findall(statement))
    assert len(READ_OR_CHANGED.findall(statement)) <= regions, "a table without its region"
    inserts = re.findall(rf"INSERT INTO feedback\.(?:{'|'.join(DISTRIBUTED)})\b", statement)
    assert len(inserts) == len(INSERTED.findall(statement)), "rows without their region"
    # What Citus 13.2 refuses, or would answer otherwise.
    assert not re.search(r"DO UPDATE SET[^;]*?\bregion =", statement)
    assert "WITH ORDINALITY" not in statement
    assert not re.search(r"\bctid\b", statement)
    assert "FOR UPDATE" not in statement


@pytest.mark.slow
def test_only_named_statements_of_feedback_use_the_tables() -> None:
    """Others would not be looked at above; those in functions are tested on the cluster."""
    found: set[str] = set()
    for file in (ROOT / "services").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = without_comments(node.value)
                if NAMED.search(text) and re.search(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", text):
                    found.add(str(file.relative_to(ROOT / "services")))
    assert found == {
        "feedback/events/distribution.py",
        "feedback/events/partitions.py",
        "feedback/events/queries.py",
        "feedback/retractions/queries.py",
        "feedback/statistics/plausibility_flags.py",
        "feedback/statistics/summary_queries.py",
    }


TABLES = """
SELECT format('%s: unique without region: %s', c.relname, i.indexrelid::regclass) AS fault
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.oid = ANY($1::regclass[]) AND i.indisunique AND NOT EXISTS (
    SELECT FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attname = 'region' AND a.attnum = ANY(i.indkey))
UNION ALL
SELECT format('%s: trigger %s', tgrelid::regclass, tgname) FROM pg_trigger
WHERE tgrelid = ANY($1::regclass[])
UNION ALL
SELECT format('%s: foreign key %s', conrelid::regclass, conname) FROM pg_constraint
WHERE contype = 'f' AND (conrelid = ANY($1::regclass[]) OR confrelid = ANY($1::regclass[]))
UNION ALL
SELECT format('%s: default of %s', attrelid::regclass, attname) FROM pg_attribute
WHERE attrelid = ANY($1::regclass[]) AND attnum > 0 AND (attidentity <> '' OR atthasdef)
"""


def test_no_table_has_what_citus_does_not_distribute(empty: Settings) -> None:
    async def faults() -> list[str]:
        assert empty.database_url is not None
        connection = await asyncpg.connect(empty.database_url.get_secret_value())
        try:
            tables = [f"feedback.{table}" for table in DISTRIBUTED]
            return [row["fault"] for row in await connection.fetch(TABLES, tables)]
        finally:
            await connection.close()

    assert asyncio.run(faults()) == []


def test_the_statements_are_printed_without_a_database() -> None:
    done = CliRunner().invoke(app, ["scale", "citus"], env={"EMALL_ROLE_PREFIX": "emall_12"})
    assert done.exit_code == 0, done.output
    assert "ALTER ROLE emall_12_feedback LOGIN;" in done.stdout
    tables = re.findall(r"create_distributed_table\('feedback\.(\w+)', 'region'", done.stdout)
    assert tuple(tables) == DISTRIBUTED


@pytest.mark.slow
def test_a_database_without_citus_is_refused(empty: Settings) -> None:
    assert empty.database_url is not None
    address = {"EMALL_DATABASE_URL": empty.database_url.get_secret_value()}
    done = CliRunner().invoke(app, ["scale", "citus", "--apply"], env=address)
    assert done.exit_code == 1
    assert "the extension citus is not in this database" in done.stderr


def test_what_is_stored_otherwise_is_named() -> None:
    right = [TableState(f"feedback.{table}", "region", 1, 32) for table in DISTRIBUTED]
    assert find_faults(right) == []
    by_id = TableState("feedback.event", "id", 1, 32)
    apart = TableState("feedback.event_id", "region", 2, 32)
    more = TableState("gateway.api_key", None, 3, 1)
    assert find_faults([by_id, apart, *right[2:-1], more]) == [
        "feedback.dropped_events is not distributed",
        "feedback.event is distributed by id, not by region",
        "the tables are not in the same shards",
        "gateway.api_key is known to Citus; the hub needs it on the coordinator alone",
    ]
