"""The drill: a hub is filled, backed up, destroyed and restored, and everything is as it was."""

import asyncio
import io
import os
import re
import shutil
import signal
import tarfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from pyrage import passphrase as age  # pyright: ignore[reportAttributeAccessIssue]
from sqlalchemy import make_url
from starlette.testclient import TestClient

from services.cli.backups.encryption import EncryptedReader, EncryptedWriter
from services.cli.backups.errors import BackupError
from services.cli.backups.programs import find_programs
from services.gateway.app import create_app
from services.platform.database import embedded_server
from services.platform.identity import ensure_private_key
from services.platform.settings import Service, Settings
from tests.conftest import Server
from tests.feedback.complaints import EMAIL, PHONE, comment, contact
from tests.hostile_images import image
from tests.rows import kept_connections, rows
from tests.servers import LOOPBACK
from tests.system.processes import (
    RunningHub,
    emall,
    emall_here,
    environment_of,
    forked,
    in_one_process,
    running_hub,
)
from tests.system.test_walk import (
    API,
    a_citizen_finds_the_building_permit_and_goes_to_its_portal,
    respond,
    satisfaction_of,
    statistics_of,
    stored,
)
from tests.waiting import until

pytestmark = pytest.mark.slow

EVENTS = 5
"""Events of a request, which are stored completely or not at all."""
PASSPHRASE = "correct horse battery staple"
HAPPENS_AFTERWARDS = {"gateway.backup", "gateway.audit_pending"}
"""Tables in which a backup or a restore itself is recorded."""


@dataclass
class Filled:
    """A hub that was stopped, and archives of it."""

    settings: Settings
    folder: Path
    ticket: dict[str, Any]
    picture: bytes
    link: str
    key: str
    publishing_key: str
    archive: Path
    """Made after the stop, without a passphrase."""
    online: Path
    """Made while events arrived, with the passphrase."""
    tables: dict[str, list[str]]
    files: dict[str, bytes]

    @property
    def passphrase(self) -> str:
        return str(self.folder / "passphrase")


@dataclass
class Target:
    """An empty database and data folder."""

    settings: Settings
    environment: dict[str, str]

    def restore(self, archive: Path, *options: str) -> tuple[int, str]:
        done = emall_here("restore", str(archive), *options, environment=self.environment)
        return done.returncode, done.stderr


def environment(settings: Settings, **more: str) -> dict[str, str]:
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    return environment_of(url, settings.data_dir, **more)


def tables_of(settings: Settings) -> dict[str, list[str]]:
    """Return every row of every table of the services, as JSON in order."""
    with kept_connections():
        names = rows(
            settings,
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
            "AND (n.nspname = ANY ($1) OR c.relname = 'alembic_version') ORDER BY 1",
            [service.value for service in Service],
        )
        return {
            name: [
                row[0]
                for row in rows(settings, f"SELECT to_jsonb(t)::text FROM {name} t ORDER BY 1")
            ]
            for (name,) in names
            if name not in HAPPENS_AFTERWARDS
        }


def rights_of(settings: Settings) -> set[tuple[str, str]]:
    """Return the rights on every object of the services; owner and roles by what they are."""
    found = rows(
        settings,
        "SELECT o.name, regexp_replace(a.privilege_type || ' ' || CASE WHEN a.grantee = 0 "
        "THEN 'public' WHEN a.grantee = o.owner THEN 'owner' ELSE a.grantee::regrole::text END, "
        "'emall[a-z0-9_]*_', '') FROM ("
        "SELECT oid::regclass::text AS name, relowner AS owner, "
        "coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", "
        "relowner)) AS acl FROM pg_class WHERE relnamespace = ANY ($1::text[]::regnamespace[]) "
        "AND relkind IN ('r', 'p', 'v', 'S') UNION ALL "
        "SELECT oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner)) "
        "FROM pg_proc WHERE pronamespace = ANY ($1::text[]::regnamespace[]) UNION ALL "
        "SELECT nspname, nspowner, nspacl FROM pg_namespace WHERE nspname = ANY ($1) UNION ALL "
        "SELECT 'default ' || defaclnamespace::regnamespace || defaclobjtype::text, defaclrole, "
        "defaclacl FROM pg_default_acl) o, aclexplode(o.acl) a",
        [service.value for service in Service],
    )
    return {(name, right) for name, right in found}


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the keys of a data folder."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for pattern in ("**/*.pem", "first-key.txt")
        for file in sorted(folder.glob(pattern))
    }


@pytest.fixture(scope="module")
def filled(server: Server, toba: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("backup")
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n")
    with server.database_from(toba) as name:
        settings = server.settings(name, data_dir=folder / "data")
        hub = in_one_process(server.address_of(name), folder)
        (folder / "data").mkdir()
        (folder / "data" / "first-key.txt").write_text("emk_first\n")
        loaded = emall_here("load", "packs/toba", environment=hub.environment)
        assert loaded.returncode == 0, loaded.stderr
        with running_hub(hub, ["hub"]):
            made = fill(hub, settings)
            publishing_key = hub.get(f"{API}/metrics/publishing-key").json()["fingerprint"]
            online = folder / "online.emall"
            back_up_under_load(hub, online, folder / "passphrase")
            assert hub.stop("hub") == 0
        archive = folder / "hub.emall"
        tables, files = tables_of(settings), files_of(settings.data_dir)
        done = emall_here("backup", str(archive), environment=hub.environment)
        assert done.returncode == 0, done.stderr
        assert "private keys" in done.stderr
        yield Filled(
            settings=settings,
            folder=folder,
            publishing_key=publishing_key,
            archive=archive,
            online=online,
            tables=tables,
            files=files,
            **made,
        )


def fill(hub: RunningHub, settings: Settings) -> dict[str, Any]:
    """Store something of every kind over HTTP; return what is to be found again."""
    a_citizen_finds_the_building_permit_and_goes_to_its_portal(hub)
    key = hub.key("dukcapil", "usage:write", "comments:write")
    stored(hub, statistics_of(hub, "dukcapil", submitted=100), key)
    for number in range(6):
        respond(hub, "skm", number, satisfaction_of(number))
    hub.form_bundles()
    filed = hub.post(
        f"{API}/comments", comment(settings, agency="dukcapil", service=None, contact=contact())
    )
    assert filed.status_code == 201, filed.text
    ticket = filed.json()
    added = LOOPBACK.post(
        f"{hub.address}{ticket['href']}/attachments",
        content=image("JPEG", 60, 40),
        headers={"Ticket-Token": ticket["token"], "Content-Type": "image/jpeg"},
        timeout=60,
    )
    assert added.status_code == 201, added.text
    picture = hub.get(added.json()["href"], headers={"Ticket-Token": ticket["token"]})
    assert picture.status_code == 200
    declaration = {
        "key": "reporting-2024",
        "register_name": "reporting",
        "year": 2024,
        "entries": 3,
        "sources": ["study-2025"],
    }
    lead = hub.key("diskominfo", "evidence:write", "metrics:draft")
    declared = hub.post(f"{API}/declarations", declaration, key=lead)
    assert declared.status_code == 201
    proof = LOOPBACK.post(
        f"{hub.address}{API}/evidence/declarations/{declared.json()['id']}/attachments",
        content=image("JPEG", 60, 40),
        headers={"Authorization": f"Bearer {lead}", "Content-Type": "image/jpeg"},
        timeout=60,
    )
    assert proof.status_code == 201, proof.text
    drafted = hub.post(f"{API}/assessments", {"period": 2024, "draws": 200}, key=lead)
    assert drafted.status_code == 201, drafted.text
    link = hub.emall("keys", "upload-link", "--agency", "dukcapil")
    assert link.returncode == 0, link.stderr
    return {
        "ticket": ticket,
        "picture": picture.content,
        "link": "/" + link.stdout.split()[0].split("/", 3)[3],
        "key": key,
    }


def back_up_under_load(hub: RunningHub, archive: Path, passphrase: Path) -> None:
    """Back up while usage events arrive."""
    over = threading.Event()
    accepted: list[int] = []
    key = hub.key("dukcapil", "usage:write")

    def send() -> None:
        while not over.is_set():
            events = [
                {
                    "id": str(uuid4()),
                    "kind": "page_view",
                    "source": "kiosk",
                    "occurred_at": datetime.now(UTC).isoformat(),
                    "service": "ktp-el",
                }
                for _ in range(EVENTS)
            ]
            answer = hub.post(f"{API}/usage/events", {"events": events}, key=key)
            accepted.append(answer.status_code)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        done = emall(
            "backup",
            str(archive),
            "--passphrase-file",
            str(passphrase),
            environment=hub.environment,
        )
    finally:
        over.set()
        sender.join()
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{archive}\n"
    assert len(accepted) > 5
    assert {code // 100 for code in accepted} == {2}, accepted


@pytest.fixture
def target(server: Server, tmp_path: Path) -> Iterator[Target]:
    with server.database_from("template1") as name:
        settings = server.settings(name, data_dir=tmp_path / "data")
        yield Target(settings, environment(settings))


def contents_of(target: Target) -> tuple[Any, ...]:
    """Return what a restore would change: objects of the database, files."""
    found = rows(
        target.settings,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n "
        "ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema)' ORDER BY 1",
    )
    folder = target.settings.data_dir
    files = {
        str(file): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "postgres" not in file.parts
    }
    return [row[0] for row in found], files


def serves_what_was_there(settings: Settings, filled: Filled) -> None:
    """Start the hub, and read what only the right keys can open."""
    with TestClient(create_app(settings), follow_redirects=True) as client:
        bearer = {"Authorization": f"Bearer {filled.key}"}
        path = filled.ticket["href"]
        read = client.post(f"{path}/contact/reads", headers=bearer).json()
        assert (read["email"], read["phone"]) == (EMAIL, PHONE)
        secret = {"Ticket-Token": filled.ticket["token"]}
        [attachment] = client.get(path, headers=secret).json()["details"]["attachments"]
        assert client.get(attachment["href"], headers=secret).content == filled.picture
        published = client.get(f"{API}/metrics/publishing-key").json()
        assert published["fingerprint"] == filled.publishing_key
        assert client.get(filled.link).status_code == 200
        assert client.get(f"{API}/keys", headers=bearer).status_code == 200
        found = client.get(f"{API}/services", params={"query": "izin bangunan"}).json()
        assert found["items"][0]["slug"] == "pbg"


def test_a_restored_hub_is_equal_in_every_row_and_file_and_serves(
    filled: Filled, target: Target
) -> None:
    code, said = target.restore(filled.archive)
    assert code == 0, said
    assert "Next:" in said
    data = target.settings.data_dir
    assert f"emall run --pack {data / 'packs' / 'toba'}" in said
    assert tables_of(target.settings) == filled.tables
    assert filled.tables["assessment.evidence_attachment"]
    assert rights_of(target.settings) == rights_of(filled.settings)
    assert files_of(data) == filled.files
    for name in filled.files:
        public = name.endswith("public.pem")
        assert (data / name).stat().st_mode & 0o777 == (0o644 if public else 0o600)
    pack = data / "packs" / "toba"
    original = Path("packs/toba")
    assert {str(f.relative_to(pack)): f.read_bytes() for f in pack.rglob("*") if f.is_file()} == {
        str(f.relative_to(original)): f.read_bytes() for f in original.rglob("*") if f.is_file()
    }
    serves_what_was_there(target.settings, filled)
    verified = emall_here("audit", "verify", environment=target.environment)
    assert verified.returncode == 0, verified.stderr


def test_a_backup_under_load_holds_one_moment_and_age_opens_it(
    filled: Filled, target: Target
) -> None:
    code, said = target.restore(filled.online)
    assert code == 1
    assert "it is encrypted: pass --passphrase-file" in said
    code, said = target.restore(filled.online, "--passphrase-file", filled.passphrase)
    assert code == 0, said
    [(events, counted, by_month)] = rows(
        target.settings,
        "SELECT (SELECT count(*)::int FROM feedback.event), "
        "(SELECT sum(events)::int FROM feedback.hourly_usage), "
        "(SELECT sum(events)::int FROM feedback.monthly_usage)",
    )
    assert events == counted == by_month
    assert events % EVENTS == 1  # and one visit of a portal
    plain = age.decrypt(filled.online.read_bytes(), PASSPHRASE)
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        names = archive.getnames()
    assert names[0] == "database.dump.00000000"
    assert names[-1] == "manifest.json"
    again = filled.folder / "by-age.emall"
    again.write_bytes(age.encrypt(plain, PASSPHRASE))
    done = emall_here(
        "restore",
        str(again),
        "--passphrase-file",
        filled.passphrase,
        "--replace",
        environment=target.environment,
    )
    assert done.returncode == 0, done.stderr


def test_an_embedded_hub_is_destroyed_and_restored(filled: Filled, tmp_path: Path) -> None:
    """Also from an external database into the embedded one."""
    data, archive = tmp_path / "data", tmp_path / "embedded.emall"
    own = environment_of(None, data)
    taken = emall("restore", str(filled.archive), environment=own)
    assert taken.returncode == 0, taken.stderr
    made = emall("backup", str(archive), environment=own)
    assert made.returncode == 0, made.stderr
    assert not (data / "postgres" / "postmaster.pid").exists()

    shutil.rmtree(data)
    done = emall("restore", str(archive), environment=own)
    assert done.returncode == 0, done.stderr
    assert files_of(data) == filled.files
    server = embedded_server(data)
    try:
        server.ensure_running()
        settings = filled.settings.model_copy(
            update={"database_url": SecretStr(server.url), "data_dir": data}
        )
        restored = tables_of(settings)
        assert rights_of(settings) == rights_of(filled.settings)
        serves_what_was_there(settings, filled)
    finally:
        server.release()
    # The first restore is in the audit log, which the second backup holds.
    differing = {name for name in filled.tables if restored[name] != filled.tables[name]}
    assert differing <= {"gateway.audit_line", "gateway.audit_month"}


def test_roles_with_logins_and_another_prefix_get_the_rights(
    filled: Filled, target: Target
) -> None:
    prefix = f"{make_url(target.environment['EMALL_DATABASE_URL']).database}_x"
    url = make_url(target.environment["EMALL_DATABASE_URL"])
    logins = {
        f"{service.value}_database_url": url.set(
            username=f"{prefix}_{service.value}", password="p" * 24
        ).render_as_string(hide_password=False)
        for service in Service
    }
    own = target.environment | {"EMALL_ROLE_PREFIX": prefix}
    own |= {f"EMALL_{name.upper()}": login for name, login in logins.items()}
    done = emall_here("restore", str(filled.archive), environment=own)
    assert done.returncode == 0, done.stderr
    assert tables_of(target.settings) == filled.tables
    changes = {name: SecretStr(login) for name, login in logins.items()}
    serves_what_was_there(target.settings.model_copy(update=changes), filled)
    [(others,)] = rows(
        target.settings,
        "SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r "
        "ON r.oid = a.grantee WHERE r.rolname LIKE 'emall%' "
        "AND c.relnamespace = 'gateway'::regnamespace",
    )
    assert others == 0
    half = {name: value for name, value in own.items() if name != "EMALL_DATABASE_URL"}
    refused = emall_here("backup", str(filled.folder / "never"), environment=half)
    assert refused.returncode == 2
    assert "EMALL_DATABASE_URL" in refused.stderr


def resalted(content: bytes) -> bytes:
    """Return the file with another salt, which is as well written."""
    other = b"B" if content[40:41] == b"A" else b"A"
    return content[:40] + other + content[41:]


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_what_does_not_fit_is_refused_and_changes_nothing(
    filled: Filled, target: Target, tmp_path: Path
) -> None:
    whole, encrypted = filled.archive.read_bytes(), filled.online.read_bytes()
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase\n")
    secret = ("--passphrase-file", filled.passphrase)
    cases: list[tuple[bytes, tuple[str, ...], str]] = [
        (encrypted, ("--passphrase-file", str(wrong)), "the passphrase is another one"),
        (encrypted[: len(encrypted) // 2], secret, "incomplete"),
        (encrypted[:-1], secret, "damaged or incomplete"),
        (encrypted[:100], secret, "its header is damaged"),
        (flipped(encrypted, len(encrypted) // 2), secret, "damaged or incomplete"),
        (resalted(encrypted), secret, "the passphrase is another one, or its header is damaged"),
        (whole[: len(whole) // 2], (), "incomplete"),
        (whole[:-20_000], (), "incomplete"),
        (flipped(whole, len(whole) // 3), (), "database.dump is not as its manifest says"),
        (b"PK" + bytes(5000), (), "it is damaged or incomplete"),
        (b"", (), "empty file"),
        (whole.replace(b'"pg_dump": 18', b'"pg_dump": 99'), (), "restore it into PostgreSQL 99"),
        (whole.replace(b'"region": "12.12"', b'"region": "12.13"'), (), "EMALL_REGION is 12.12"),
        (whole.replace(b'"format": 1', b'"format": 7'), (), "not of this format (format"),
        (re.sub(rb"catalog_\d{4}", b"catalog_9999", whole), (), "by a newer emall"),
    ]
    before = contents_of(target)
    for content, options, expected in cases:
        archive = tmp_path / "changed.emall"
        archive.write_bytes(content)
        code, said = target.restore(archive, *options)
        assert code == 1, expected
        assert expected in said
        assert "nothing was changed" in said
        assert "Traceback" not in said
        assert contents_of(target) == before, expected


def test_a_database_in_use_or_not_empty_and_other_keys_are_left_alone(
    filled: Filled, target: Target
) -> None:
    rows(target.settings, "CREATE TABLE public.notes (text text)")
    before = contents_of(target)
    code, said = target.restore(filled.archive)
    assert code == 1
    assert "the database is not empty: it holds public.notes" in said
    assert contents_of(target) == before
    rows(target.settings, "DROP TABLE public.notes")

    key = target.settings.comments_key_file
    ensure_private_key(key)
    before = contents_of(target)
    code, said = target.restore(filled.archive)
    assert code == 1
    assert f"{key}: another key is there" in said
    assert contents_of(target) == before
    own_key = key.read_bytes()

    with TestClient(create_app(target.settings)):
        before = contents_of(target)
        code, said = target.restore(filled.archive, "--replace")
    assert code == 1
    assert "the database is in use by emall" in said
    assert contents_of(target) == before

    assert emall_here("migrate", environment=target.environment).returncode == 0
    code, said = target.restore(filled.archive, "--replace")
    assert code == 0, said
    [kept] = key.parent.glob("key.pem.before-*")
    assert str(kept) in said
    assert kept.read_bytes() == own_key
    assert tables_of(target.settings) == filled.tables
    assert files_of(target.settings.data_dir).items() >= filled.files.items()


def test_a_backup_needs_every_key_and_a_name_of_its_own(filled: Filled, tmp_path: Path) -> None:
    settings = filled.settings
    own = environment(settings)
    refused = emall_here("backup", str(filled.archive), environment=own)
    assert refused.returncode == 1
    assert f"{filled.archive} exists" in refused.stderr
    archive = tmp_path / "new.emall"
    moved = settings.comments_key_file.rename(tmp_path / "key.pem")
    refused = emall_here("backup", str(archive), environment=own)
    assert refused.returncode == 1
    assert "the comments key cannot be read" in refused.stderr
    assert list(tmp_path.iterdir()) == [moved]
    done = emall_here("backup", str(archive), "--without-key", "comments", environment=own)
    assert done.returncode == 0, done.stderr
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        assert "keys/comments.pem" not in tar.getnames()
        assert "keys/secrets.pem" in tar.getnames()
    moved.rename(settings.comments_key_file)
    ensure_private_key(other := tmp_path / "other.pem")
    kept = settings.secrets_key_file.read_bytes()
    shutil.copy(other, settings.secrets_key_file)
    refused = emall_here("backup", str(tmp_path / "third.emall"), environment=own)
    settings.secrets_key_file.write_bytes(kept)
    assert refused.returncode == 1
    assert "the secrets key is not the one of this database" in refused.stderr
    short = tmp_path / "short"
    short.write_text("12345\n")
    refused = emall_here(
        "backup", str(tmp_path / "x"), "--passphrase-file", str(short), environment=own
    )
    assert refused.returncode == 2
    assert "at least 12 bytes" in refused.stderr
    recorded = rows(settings, "SELECT size, encrypted FROM gateway.backup ORDER BY made_at")
    sizes = [(filled.online, True), (filled.archive, False), (archive, False)]
    assert [tuple(row) for row in recorded] == [
        (file.stat().st_size, is_encrypted) for file, is_encrypted in sizes
    ]


def test_a_backup_that_is_ended_or_killed_leaves_no_archive(filled: Filled, tmp_path: Path) -> None:
    """While `pg_dump` waits for a table that somebody has locked."""
    own, archive = environment(filled.settings), tmp_path / "hub.emall"
    part = tmp_path / "hub.emall.part"
    for how in (signal.SIGKILL, signal.SIGTERM):
        with (
            locked_table(filled.settings, "gateway.link"),
            forked("backup", str(archive), environment=own, log=tmp_path / "log") as backup,
        ):
            until(lambda: waits_for_lock(filled.settings))
            backup.running.send_signal(how)
            assert backup.running.wait(30) != 0
            assert part.exists() == (how is signal.SIGKILL)
            assert not archive.exists()
        # pg_dump ends when nobody reads what it writes.
        until(lambda: not waits_for_lock(filled.settings))
    done = emall_here("backup", str(archive), environment=own)
    assert done.returncode == 0, done.stderr
    assert not part.exists()


SLOW_TABLES = (
    "CREATE FUNCTION public.wait() RETURNS event_trigger LANGUAGE plpgsql "
    "AS 'BEGIN PERFORM pg_sleep(0.05); END'",
    "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE') "
    "EXECUTE FUNCTION public.wait()",
)
"""Statements after which a restore takes seconds."""


def test_a_restore_that_is_ended_or_killed_leaves_the_rows_that_were_there(
    filled: Filled, target: Target, tmp_path: Path
) -> None:
    code, said = target.restore(filled.archive)
    assert code == 0, said
    rows(target.settings, "CREATE TABLE gateway.kept AS SELECT 1 AS one")
    for statement in SLOW_TABLES:
        rows(target.settings, statement)
    before = tables_of(target.settings)
    [(name,)] = rows(target.settings, "SELECT current_database()")
    restore = ("restore", str(filled.archive), "--replace")

    def runs() -> bool:
        # Asked in another database: a session in this one would be refused.
        query = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'psql' AND datname = $1"
        return bool(rows(filled.settings, f"{query} AND xact_start IS NOT NULL", name))

    for how in (signal.SIGKILL, signal.SIGTERM):
        with forked(*restore, environment=target.environment, log=tmp_path / "log") as killed:
            until(runs)
            killed.running.send_signal(how)
            assert killed.running.wait(30) != 0
        until(lambda: not runs())
        assert tables_of(target.settings) == before
    rows(target.settings, "DROP EVENT TRIGGER slow")
    code, said = target.restore(filled.archive, "--replace")
    assert code == 0, said
    assert tables_of(target.settings) == filled.tables


def waits_for_lock(settings: Settings) -> bool:
    found = rows(
        settings,
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_dump' "
        "AND wait_event_type = 'Lock' AND datname = current_database()",
    )
    return bool(found)


@contextmanager
def locked_table(settings: Settings, table: str) -> Generator[None]:
    """Lock a table until the block ends."""

    async def lock() -> None:
        assert settings.database_url is not None
        connection = await asyncpg.connect(settings.database_url.get_secret_value())
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            locked.set()
            await asyncio.to_thread(over.wait)
        await connection.close()

    locked, over = threading.Event(), threading.Event()
    holder = threading.Thread(target=lambda: asyncio.run(lock()))
    holder.start()
    try:
        assert locked.wait(30)
        yield
    finally:
        over.set()
        holder.join()


@pytest.mark.parametrize("size", [0, 64 * 1024, 64 * 1024 + 1])
def test_the_encryption_is_that_of_age(size: int) -> None:
    plain, output = os.urandom(size), io.BytesIO()
    writer = EncryptedWriter(output, PASSPHRASE.encode())
    for start in range(0, size, 10_000):
        writer.write(plain[start : start + 10_000])
    writer.finish()
    assert age.decrypt(output.getvalue(), PASSPHRASE) == plain
    reader = EncryptedReader(io.BytesIO(output.getvalue()), PASSPHRASE.encode())
    assert b"".join(iter(lambda: reader.read(7000), b"")) == plain


def test_programs_older_than_the_server_are_refused() -> None:
    with pytest.raises(BackupError, match="postgresql-client-99"):
        find_programs(99, embedded=False)
