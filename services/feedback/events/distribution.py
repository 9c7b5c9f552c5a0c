"""The tables that Citus spreads over several servers, and the statements that do it.

They are what grows with use: single events, their ids and their counts. All rows of a region are
in one shard, so that one server stores a group of events in one transaction. Every other table
stays on the coordinator, where triggers, notifications and foreign keys work as on any PostgreSQL
(decision 0025).
"""

from collections.abc import Sequence
from dataclasses import dataclass

DISTRIBUTED = ("event", "event_id", "hourly_usage", "monthly_usage", "dropped_events")
"""Tables of the schema `feedback` that are distributed by `region`; `event` with its partitions."""


@dataclass(frozen=True)
class Step:
    """A statement, and why it is there."""

    reason: str
    statement: str


def distribution(*, role: str) -> Sequence[Step]:
    """Return the statements that distribute a migrated database, in order.

    They are for a superuser in the hub's database on the coordinator, and may be repeated. `role`
    is the one that feedback works as.
    """
    first, *others = (f"feedback.{table}" for table in DISTRIBUTED)
    return [
        Step(
            "The coordinator connects to the workers as the role whose statement it runs.",
            f"ALTER ROLE {role} LOGIN",
        ),
        Step(
            "The retention reads a partition of events and drops it, in one transaction.",
            _set_in_database("citus.multi_shard_modify_mode", "sequential"),
        ),
        Step(
            "Else each new connection waits for seconds until it knows the type of JSON: Citus "
            "would look for shards in every row of the catalogue.",
            _set_in_database("citus.override_table_visibility", "off"),
        ),
        Step("Single events, by region.", _distribute(first, beside="none")),
        *(Step("In the same shards.", _distribute(table, beside=first)) for table in others),
    ]


def _set_in_database(name: str, value: str) -> str:
    return f"""DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET {name} TO {value}', current_database());
END $$"""


def _distribute(table: str, *, beside: str) -> str:
    """Return a statement that moves the rows of a table into shards, unless that is done."""
    return f"""DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = '{table}'::regclass) THEN
        PERFORM create_distributed_table('{table}', 'region', colocate_with => '{beside}');
    END IF;
END $$"""


VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"

WORKERS = """
-- Servers that take shards.
SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary'
"""

STATE = """
-- The tables that Citus knows, but for partitions.
SELECT format('%s.%s', n.nspname, c.relname) AS name,
       column_to_column_name(c.oid, p.partkey) AS distributed_by, p.colocationid AS colocation,
       (SELECT count(*) FROM pg_dist_shard s WHERE s.logicalrelid = c.oid) AS shards
FROM pg_dist_partition p
JOIN pg_class c ON c.oid = p.logicalrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT c.relispartition
ORDER BY 1
"""

PROBE = """
-- Reads every shard, so that the role connects to every worker.
SELECT count(*) FROM feedback.dropped_events
"""


@dataclass(frozen=True)
class TableState:
    """How Citus stores a table."""

    name: str
    """With its schema."""
    distributed_by: str | None
    colocation: int
    shards: int


def find_faults(states: Sequence[TableState]) -> list[str]:
    """Return what is not as the statements leave it."""
    found = {state.name: state for state in states}
    wanted = [f"feedback.{table}" for table in DISTRIBUTED]
    faults = [f"{name} is not distributed" for name in wanted if name not in found]
    faults += [
        f"{state.name} is distributed by {state.distributed_by}, not by region"
        for state in states
        if state.name in wanted and state.distributed_by != "region"
    ]
    if len({state.colocation for state in states if state.name in wanted}) > 1:
        faults.append("the tables are not in the same shards")
    faults += [
        f"{state.name} is known to Citus; the hub needs it on the coordinator alone"
        for state in states
        if state.name not in wanted
    ]
    return faults
