"""The hub's own keys: recorded when first used, and never replaced in silence."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from services.feedback.app import create_app as create_feedback
from services.gateway.app import create_app
from services.platform.identity import ANONYMOUS, ensure_private_key
from services.platform.installation_keys import fingerprint_of, key_file
from services.platform.settings import KeyName, Service, Settings
from tests.conftest import Server, new_key, room
from tests.feedback.complaints import COMMENTS, comment, contact, send
from tests.gateway.key_rows import audited_actions
from tests.rows import rows
from tests.servers import free_port
from tests.system.processes import emall as command
from tests.system.processes import emall_here, environment_of


@pytest.fixture
def own_keys(server: Server, toba: str, tmp_path: Path) -> Iterator[Settings]:
    """Provide a hub's settings with a database and keys of its own."""
    with server.database_from(toba) as name:
        settings = server.settings(name, data_dir=tmp_path / "data")
        code, output = emall(settings, "keys", "init")
        assert code == 0, output
        yield settings


def emall(settings: Settings, *arguments: str) -> tuple[int, str]:
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    # `emall run` forks, which a process with threads should not.
    run = command if arguments[0] == "run" else emall_here
    done = run(*arguments, environment=environment_of(url, settings.data_dir))
    return done.returncode, done.stdout + done.stderr


def recorded(settings: Settings) -> set[tuple[str, str, str]]:
    """Return schema, name and fingerprint of the recorded keys."""
    return {
        (service.value, *row)
        for service in Service
        for row in rows(
            settings, f"SELECT key_name, fingerprint FROM {service.value}.key_fingerprint"
        )
    }


def complain(settings: Settings) -> httpx.Response:
    """File a complaint with a contact in a feedback service that was just started."""
    with room(create_feedback, settings) as office:
        return send(office, comment(settings, contact=contact()), caller=ANONYMOUS)


def upload_link(settings: Settings) -> str:
    code, output = emall(settings, "keys", "upload-link", "--agency", "dukcapil")
    assert code == 0, output
    return next(line for line in output.splitlines() if "/unggah/tautan/" in line)


def webhook_secret(client: TestClient, key: str) -> str:
    """Create the same webhook once more, and return its secret."""
    answer = client.post(
        "/api/v1/webhooks",
        json={"url": "https://example.org/hook"},
        headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "one-webhook-0001"},
    )
    assert answer.is_success, answer.text
    return answer.json()["secret"]


def opens(client: TestClient, link: str) -> bool:
    """Return whether an upload link opens the page."""
    return client.get(httpx.URL(link).path, follow_redirects=True).is_success


def test_keys_are_recorded_where_they_are_first_used_and_a_hub_with_them_starts(
    own_keys: Settings,
) -> None:
    upload_link(own_keys)
    assert complain(own_keys).status_code == 201
    expected = {
        ("gateway", "identity", own_keys.private_key_file),
        ("gateway", "secrets", own_keys.secrets_key_file),
        ("feedback", "identity", own_keys.public_key_file),
        ("feedback", "comments", own_keys.comments_key_file),
    }
    assert recorded(own_keys) == {(*one, fingerprint_of(file)) for *one, file in expected}
    for file in (own_keys.secrets_key_file, own_keys.comments_key_file):
        assert file.stat().st_mode & 0o077 == 0
    assert own_keys.secrets_key_file.read_bytes() != own_keys.private_key_file.read_bytes()


@pytest.mark.parametrize(("name", "service"), [("comments", "feedback"), ("secrets", "gateway")])
def test_a_hub_without_a_key_or_with_another_refuses_to_start_and_says_which(
    own_keys: Settings, name: str, service: str
) -> None:
    assert complain(own_keys).status_code == 201
    upload_link(own_keys)
    file = key_file(own_keys, KeyName(name))
    before = recorded(own_keys)
    kept = file.read_bytes()
    file.unlink()
    ensure_private_key(own_keys.data_dir / "other.pem")
    for arguments in (["serve", service], ["serve"], ["run"]):
        code, output = emall(own_keys, *arguments, "--port", str(free_port()))
        assert code == 1
        assert f"the {name} key" in output
        assert f"{file} does not exist" in output
        assert f"emall keys accept {name}" in output
        assert "Traceback" not in output
    assert not file.exists()

    shutil.copy(own_keys.data_dir / "other.pem", file)
    code, output = emall(own_keys, "serve", service)
    assert code == 1
    assert f"{file} has the fingerprint {fingerprint_of(file)[:16]}" in output
    file.write_text("no key")
    code, output = emall(own_keys, "serve", service)
    assert code == 1
    assert f"{file} cannot be read" in output
    assert before <= recorded(own_keys)

    file.write_bytes(kept)
    assert complain(own_keys).status_code == 201


def test_a_running_service_does_not_make_a_lost_key_anew(own_keys: Settings) -> None:
    assert complain(own_keys).status_code == 201
    body = comment(own_keys, contact=contact())
    lost = own_keys.comments_key_file.rename(own_keys.data_dir / "lost.pem")
    with room(create_feedback, own_keys) as office:
        answer = send(office, body)
        assert answer.status_code == 503
        assert not own_keys.comments_key_file.exists()
        lost.rename(own_keys.comments_key_file)
        assert office.client.post(COMMENTS, json=body, headers=office.token()).status_code == 201


def test_a_lost_key_is_replaced_only_by_a_command_that_the_audit_log_names(
    own_keys: Settings,
) -> None:
    assert complain(own_keys).status_code == 201
    old = fingerprint_of(own_keys.comments_key_file)
    own_keys.comments_key_file.unlink()
    code, output = emall(own_keys, "keys", "accept", "comments")
    assert code == 0, output
    assert "contacts of comments can no longer be read" in output
    new = fingerprint_of(own_keys.comments_key_file)
    assert ("feedback", "comments", new) in recorded(own_keys)
    target = f"comments: {old[:16]} replaced by {new[:16]}"
    assert emall(own_keys, "audit", "verify")[0] == 0  # chains the newest lines
    assert ("keys accept", target) in audited_actions(own_keys)
    assert complain(own_keys).status_code == 201


def test_a_new_identity_breaks_no_upload_link_and_no_secret_of_a_webhook(
    own_keys: Settings,
) -> None:
    link, key = upload_link(own_keys), new_key(own_keys, "diskominfo", "admin")
    with TestClient(create_app(own_keys), follow_redirects=False) as client:
        secret = webhook_secret(client, key)
    own_keys.private_key_file.unlink()
    code, output = emall(own_keys, "keys", "accept", "identity")
    assert code == 2
    assert f"{own_keys.private_key_file} is missing" in output
    own_keys.public_key_file.unlink()
    code, output = emall(own_keys, "keys", "accept", "identity")
    assert code == 0, output
    new = fingerprint_of(own_keys.private_key_file)
    assert {(one.value, "identity", new) for one in Service} <= recorded(own_keys)
    with TestClient(create_app(own_keys), follow_redirects=False) as client:
        assert webhook_secret(client, key) == secret
        assert opens(client, link)
        assert not opens(client, f"{link[:-4]}AAAA")


def test_links_of_a_hub_from_before_the_key_of_secrets_remain_valid(own_keys: Settings) -> None:
    """Their secrets were derived from the identity."""
    own_keys.secrets_key_file.unlink()
    link = upload_link(own_keys)
    assert own_keys.secrets_key_file.read_bytes() == own_keys.private_key_file.read_bytes()
    with TestClient(create_app(own_keys), follow_redirects=False) as client:
        assert opens(client, link)


def test_without_the_database_a_hub_makes_no_key(own_keys: Settings, tmp_path: Path) -> None:
    away = environment_of(f"postgresql://emall@127.0.0.1:{free_port()}/emall", tmp_path / "new")
    done = emall_here("serve", "feedback", environment=away)
    assert done.returncode == 1
    assert "key.pem" in done.stderr
    assert "the database, which is unavailable" in done.stderr
    assert not (tmp_path / "new" / "comments").exists()
