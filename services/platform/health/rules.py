"""Which measurements are findings. Pure: no clock, no database, no files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from services.platform.health.findings import Finding, HealthCheck, Severity

CLOCK_WARNING = timedelta(seconds=1)
CLOCK_ERROR = timedelta(seconds=5)
"""Tokens allow 30 s; dates and the order of events suffer long before."""
SUPPORTED_POSTGRESQL = 15
FULL_PERCENT = 98
"""Share of a disk from which the next writes fail; an error whatever the setting."""
CERTIFICATE_WARNING = timedelta(days=14)
REPLICA_WARNING = timedelta(seconds=10)
REPLICA_ERROR = timedelta(minutes=5)
JOB_GRACE = timedelta(minutes=5)
"""How long after three missed runs a job counts as overdue."""


def unreachable(reason: str) -> Finding:
    """Return the finding of a database that does not answer."""
    return Finding(
        HealthCheck.database,
        Severity.error,
        "The database does not answer.",
        "see that PostgreSQL runs and that its address, password and network are right; the hub "
        "reconnects by itself",
        detail=reason,
        blocks=True,
    )


def late_statement(reason: str) -> Finding:
    """Return the finding of a database that answers, but not every statement."""
    return Finding(
        HealthCheck.database,
        Severity.error,
        "A statement of the hub waits in the database for too long.",
        "find the session that keeps a lock: `select pid, pg_blocking_pids(pid), left(query, 80) "
        "from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0`; end it with `select "
        "pg_terminate_backend(<pid>)`",
        detail=reason,
    )


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of one service's schema that a program knows."""

    head: str
    known: frozenset[str]


def judge_schema(program: Revisions, stored: frozenset[str] | None) -> Finding | None:
    """Compare the revisions in the database with the program's; None if it cannot be read.

    A database that is newer than the program serves it: migrations leave the previous version
    working.
    """
    if stored is not None and program.head in stored:
        return None
    older = sorted(program.known & (stored or frozenset()))
    newer = [each for each in stored or () if _branch(each) == _branch(program.head)]
    if newer and not older:
        return Finding(
            HealthCheck.schema,
            Severity.warning,
            "The database's tables are newer than this program.",
            "finish the upgrade: start the new version of this service and stop this one",
            detail=f"the database has {newer[0]}, this program {program.head}",
        )
    return not_migrated(program, older[-1] if older else "none")


def not_migrated(program: Revisions, stored: str) -> Finding:
    """Return the finding of a database without the tables that a program needs."""
    return Finding(
        HealthCheck.schema,
        Severity.error,
        "The database's tables are missing, or older than this program needs.",
        "run `emall migrate`",
        detail=f"this program needs {program.head}, the database has {stored}",
        blocks=True,
    )


def _branch(revision: str) -> str:
    """Return the service to which a revision belongs, the first word of its name."""
    return revision.partition("_")[0]


def no_database(folder: str) -> Finding:
    """Return the finding of a hub whose embedded database was never made."""
    return Finding(
        HealthCheck.database,
        Severity.error,
        "There is no database yet.",
        "run `emall run`, which makes the embedded one, or set EMALL_DATABASE_URL",
        detail=f"{folder} is missing",
        blocks=True,
    )


def no_signing_key(file: str) -> Finding:
    """Return the finding of a gateway that cannot sign tokens."""
    return Finding(
        HealthCheck.keys,
        Severity.error,
        "The key that signs internal tokens is missing.",
        "on the gateway's machine restore it from the backup of the keys; for a new hub run "
        "`emall keys init`",
        detail=f"{file} is missing",
    )


def wrong_key(name: str, reason: str, *, blocks: bool) -> Finding:
    """Return the finding of a key that is not the one with which the data was written."""
    return Finding(
        HealthCheck.keys,
        Severity.error,
        f"The {name} key is not the one of this database.",
        "put back the right key (from a backup: `emall restore`) and restart; only if it is lost, "
        f"`emall keys accept {name}`",
        detail=reason,
        blocks=blocks,
    )


def no_pack() -> Finding:
    """Return the finding of a database without the region that the hub serves."""
    return Finding(
        HealthCheck.pack,
        Severity.error,
        "No pack of this region is loaded.",
        "run `emall load packs/<name>`, and see that EMALL_REGION is the region of the pack",
        blocks=True,
    )


def judge_writable(*, in_recovery: bool, read_only: bool) -> Finding | None:
    """Tell whether the database takes writes."""
    if not in_recovery and not read_only:
        return None
    return Finding(
        HealthCheck.writable,
        Severity.error,
        "The database is read-only: reads are served, writes are refused.",
        "point the hub to the primary, or promote this server (`pg_promote()`)"
        if in_recovery
        else "find out who set `default_transaction_read_only` and why (a full disk, maintenance, "
        "a failover), then reset it",
        detail="the server is a standby" if in_recovery else "transactions are read-only",
    )


def judge_clock(
    offset: timedelta, *, uncertainty: timedelta, whose: str, other: str
) -> Finding | None:
    """Tell whether a clock differs from another; `offset` is positive if it is ahead.

    `uncertainty` is how far the measurement may be off: half of the time that it took.
    """
    least = abs(offset) - uncertainty
    if least < CLOCK_WARNING:
        return None
    too_far = least >= CLOCK_ERROR
    direction = "ahead of" if offset > timedelta() else "behind"
    return Finding(
        HealthCheck.clock,
        Severity.error if too_far else Severity.warning,
        f"The clock of {whose} is {abs(offset).total_seconds():.0f} s {direction} {other}.",
        "synchronise the clocks of all machines (`timedatectl`, `chronyc tracking`), the "
        "database's too",
        blocks=too_far,
    )


def judge_postgresql(version: int) -> Finding | None:
    """Tell whether a server's version (`server_version_num`) is supported."""
    if version >= SUPPORTED_POSTGRESQL * 10_000:
        return None
    return Finding(
        HealthCheck.postgresql,
        Severity.error,
        f"PostgreSQL is older than version {SUPPORTED_POSTGRESQL}.",
        f"upgrade the server to PostgreSQL {SUPPORTED_POSTGRESQL} or later",
        detail=f"its version is {version // 10_000}.{version % 10_000}",
    )


@dataclass(frozen=True, slots=True)
class Queue:
    """What a job has to deliver."""

    job: str
    waiting: int
    oldest: datetime | None
    refused: int | None
    """None for a job that sets nothing aside."""
    overdue_after: timedelta


def judge_queue(queue: Queue, *, now: datetime) -> list[Finding]:
    """Tell whether items were refused, or wait longer than they should."""
    findings: list[Finding] = []
    if queue.refused:
        findings.append(
            Finding(
                HealthCheck.queues,
                Severity.warning,
                f"{queue.job}: items that were refused: {queue.refused}.",
                f"see `emall jobs` for the reasons, mend the cause, then run `emall jobs retry "
                f"{queue.job}` or `emall jobs discard {queue.job}`",
            )
        )
    if queue.waiting and queue.oldest and now - queue.oldest > queue.overdue_after:
        minutes = floor((now - queue.oldest) / timedelta(minutes=1))
        findings.append(
            Finding(
                HealthCheck.queues,
                Severity.warning,
                f"{queue.job}: items that wait: {queue.waiting}, the oldest for {minutes} min.",
                "see `emall jobs` for the job's last failure, and that the receiver works",
            )
        )
    return findings


def judge_lost_visits(lost: int) -> Finding | None:
    """Tell whether visits could be stored neither in the database nor on disk."""
    if not lost:
        return None
    return Finding(
        HealthCheck.queues,
        Severity.warning,
        f"Visits that could not be stored since the process started: {lost}.",
        "see that the database answers and that the disk of EMALL_DATA_DIR has room; the finding "
        "ends with the process",
    )


@dataclass(frozen=True, slots=True)
class Schedule:
    """A periodic job, and when it last did its work."""

    job: str
    every: timedelta
    succeeded_at: datetime | None
    failure: str | None


def judge_schedule(schedule: Schedule, *, started_at: datetime, now: datetime) -> Finding | None:
    """Tell whether a job has not done its work for three intervals and five minutes.

    `started_at` is when the process started: what was missed before is not overdue.
    """
    last = max(filter(None, (schedule.succeeded_at, started_at)))
    if now - last <= 3 * schedule.every + JOB_GRACE:
        return None
    minutes = floor((now - last) / timedelta(minutes=1))
    return Finding(
        HealthCheck.jobs,
        Severity.warning,
        f"{schedule.job}: has not done its work for {minutes} min.",
        "see `emall jobs` and the log for its failure; if it never ends, restart the service",
        detail=schedule.failure or "",
    )


def judge_disk(used: int, available: int, *, limit_percent: float, place: str) -> Finding | None:
    """Tell whether a file system is fuller than the limit, counted as `df` does."""
    percent = 100 * used / (used + available) if used + available else 0.0
    if percent < min(limit_percent, FULL_PERCENT):
        return None
    return Finding(
        HealthCheck.disk,
        Severity.error if percent >= FULL_PERCENT else Severity.warning,
        f"A disk of the hub is {floor(percent)}% full.",
        "delete what is not the hub's, old logs and old backups, or enlarge the disk; never delete "
        "files in the folder of PostgreSQL",
        detail=f"{place}: {available // 2**20} MiB are left",
    )


def judge_certificate(expires_at: datetime, *, now: datetime, host: str) -> Finding | None:
    """Tell whether a certificate has expired or will within 14 days."""
    left = expires_at - now
    if left > CERTIFICATE_WARNING:
        return None
    expired = left <= timedelta()
    days = abs(left) // timedelta(days=1)
    return Finding(
        HealthCheck.certificate,
        Severity.error if expired else Severity.warning,
        f"The certificate of the public address expired {days} days ago."
        if expired
        else f"The certificate of the public address expires in {days} days.",
        "renew it at the reverse proxy (Caddy's log, `certbot renew`), and reload the proxy",
        detail=f"{host}: valid until {expires_at:%Y-%m-%d %H:%M} UTC",
    )


def judge_replica(lag: timedelta, *, behind_bytes: int, name: str) -> Finding | None:
    """Tell whether a replica is too far behind; one that has replayed everything is not."""
    if behind_bytes <= 0 or lag < REPLICA_WARNING:
        return None
    return Finding(
        HealthCheck.replica,
        Severity.error if lag >= REPLICA_ERROR else Severity.warning,
        f"A replica of the database is {lag.total_seconds():.0f} s behind.",
        "see its log, disk and network; if it does not catch up, build it anew (`pg_basebackup`)",
        detail=f"{name}: {behind_bytes} bytes are not replayed",
    )


def replica_away(reason: str) -> Finding:
    """Return the finding of a read replica that does not answer."""
    return Finding(
        HealthCheck.replica,
        Severity.warning,
        "The read replica does not answer: reads go to the server.",
        "see that its PostgreSQL runs and takes connections of the hub's accounts; if it is gone "
        "for good, remove EMALL_DATABASE_READ_URL and restart",
        detail=reason,
    )


def promoted_replica() -> Finding:
    """Return the finding of a read replica that has become a server of its own."""
    return Finding(
        HealthCheck.replica,
        Severity.error,
        "The read replica is none any more: it was promoted, and reads go to the server.",
        "make sure that nothing writes to it, and see whether the hub's own server is the right "
        "one; build the replica anew (`pg_basebackup`), or remove EMALL_DATABASE_READ_URL",
    )


def judge_backup(
    made_at: datetime | None, *, installed_at: datetime | None, now: datetime, limit: timedelta
) -> Finding | None:
    """Tell whether the newest backup is older than the limit, or none was made for that long."""
    last = made_at or installed_at
    if last is None or now - last <= limit:
        return None
    hours = floor((now - last) / timedelta(hours=1))
    return Finding(
        HealthCheck.backup,
        Severity.warning,
        f"The newest backup is {hours} h old." if made_at else "No backup was ever made.",
        "run `emall backup FILE` now, then see why the nightly one did not (its unit or cron job, "
        "its disk); if the hub is backed up in another way, set EMALL_BACKUP_WARNING_HOURS=0",
    )


def down_service(service: str, reason: str) -> Finding:
    """Return the finding of a service that does not answer or is not ready."""
    return Finding(
        HealthCheck.services,
        Severity.error,
        f"{service}: not ready.",
        f"see the log of the service {service}, and that it runs (`emall serve {service}`)",
        detail=reason,
    )


def judge_role(role: str, *, is_powerful: bool, other_databases: Sequence[str]) -> Finding | None:
    """Tell whether a service's role may do more than work in its schema."""
    if is_powerful:
        return Finding(
            HealthCheck.roles,
            Severity.error,
            "A service works as a role that may do more than its own work.",
            "let each service use the role that `emall migrate` makes, which is no superuser and "
            "makes no roles",
            detail=role,
        )
    if other_databases:
        return Finding(
            HealthCheck.roles,
            Severity.warning,
            "A service's role has rights in other databases of the server too.",
            "give this hub roles of its own: stop it, run `EMALL_ROLE_PREFIX=<prefix> emall "
            "migrate`, start it",
            detail=f"{role}: {', '.join(other_databases)}",
        )
    return None


def judge_access(*, is_open: bool) -> Finding | None:
    """Tell whether every account of the server may connect to the database."""
    if not is_open:
        return None
    return Finding(
        HealthCheck.roles,
        Severity.warning,
        "Every account of the database server may connect to the hub's database.",
        "run `emall migrate` as the database's owner, which closes it; give accounts for "
        "monitoring and backup their own CONNECT",
    )


def judge_tls(*, has_tls: bool, is_remote: bool, is_declined: bool) -> Finding | None:
    """Tell whether passwords and data cross a network in clear, unless the address asks for it."""
    if has_tls or is_declined or not is_remote:
        return None
    return Finding(
        HealthCheck.database_tls,
        Severity.warning,
        "The connection to the database is not encrypted.",
        "turn TLS on in PostgreSQL and add `sslmode=verify-full` to the address, or "
        "`sslmode=disable` if the network is the hub's own, which ends this warning",
    )


def needs_direct_address() -> Finding:
    """Return the finding of a pooler where the server itself must be."""
    return Finding(
        HealthCheck.pooler,
        Severity.error,
        "The database's address leads to a pooler, and the server's own is not set.",
        "set EMALL_DATABASE_DIRECT_URL to the address of the server itself, beside the pooler's in "
        "EMALL_DATABASE_URL",
        blocks=True,
    )


def judge_pooler(mode: str) -> Finding | None:
    """Tell whether a pooler is in a mode that the hub cannot use."""
    if mode != "statement":
        return None
    return Finding(
        HealthCheck.pooler,
        Severity.error,
        "The pooler before the database is in statement mode, which allows no transactions.",
        "set `pool_mode = transaction` or `session` in the pooler",
    )


def no_listener(reason: str) -> Finding:
    """Return the finding of a database that does not deliver notifications."""
    return Finding(
        HealthCheck.pooler,
        Severity.error,
        "Notifications of the database do not arrive on a connection of their own.",
        "set EMALL_DATABASE_DIRECT_URL to the address of the server itself, and see that it "
        "answers",
        detail=reason,
    )
