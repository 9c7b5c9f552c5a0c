"""OSS RBA: messages both ways, every failure of the mock server, nothing lost or duplicated."""

import hashlib
import json
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, get_args

import httpx
import pytest
import yaml
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.connectors.mocks.oss import USER_KEY, create_oss_mock, max_length_fields
from services.gateway.connectors.oss.inbound_routes import PATHS
from services.gateway.connectors.oss.messages import (
    Inbound,
    Outbound,
    compute_token,
    guide,
    is_valid_token,
    validate_message,
)
from services.gateway.connectors.oss.routes import clock_state
from services.gateway.outbound.circuit_breaker import BreakerPolicy, CircuitBreaker
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Settings
from tests.conftest import TOBA, Hub, Server, new_key
from tests.gateway.key_rows import anonymous_audit_targets, chain_audit_log
from tests.gateway.oss_rows import (
    all_answer_columns,
    all_idempotency_columns,
    all_message_columns,
    count_messages_named,
    make_answers_older,
    stored_messages,
)
from tests.gateway.parts import set_oss_breaker
from tests.gateway.test_circuit_breaker import Clock
from tests.rows import hidden_table
from tests.servers import LOOPBACK, free_port, serving

NIB = "1234567890123"
IN: tuple[Inbound, ...] = get_args(Inbound)
OUT: tuple[Outbound, ...] = get_args(Outbound)


@dataclass
class Connected(Hub):
    """A hub that is connected to the mock server."""

    oss: str
    key_of_dpmptsp: dict[str, str]

    def set_mode(self, mode: str, times: int | None = None) -> None:
        answer = LOOPBACK.put(f"{self.oss}/mock", json={"mode": mode, "times": times})
        assert answer.status_code == 200

    def received(self) -> list[dict[str, Any]]:
        return LOOPBACK.get(f"{self.oss}/mock").json()["received"]

    def get(self, path: str) -> httpx.Response:
        return self.client.get(f"/api/v1/oss/{path}", headers=self.key_of_dpmptsp)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        sent = self.key_of_dpmptsp | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.client.post(f"/api/v1/oss/{path}", json=body, headers=sent)


def connected_settings(settings: Settings, oss: str) -> Settings:
    more = {
        "oss_url": oss,
        "oss_user_key": SecretStr(USER_KEY),
        "oss_username": "oss",
        "oss_password": SecretStr("rahasia"),
        "oss_senders": "127.0.0.1",
        "connector_timeout_seconds": 1.5,
    }
    return settings.model_copy(update=more)


@contextmanager
def connected(settings: Settings, oss: str) -> Generator[Connected]:
    chosen = connected_settings(settings, oss)
    with TestClient(
        create_app(chosen), follow_redirects=False, client=("127.0.0.1", 50_000)
    ) as client:
        hub = Connected(client, chosen, oss, {})
        hub.key_of_dpmptsp = hub.auth("dpmptsp", "usage:write")
        yield hub


@pytest.fixture
def hub(empty: Settings) -> Iterator[Connected]:
    with serving(create_oss_mock(), grace=0) as oss, connected(empty, oss) as running:
        yield running


@pytest.fixture(scope="module")
def refusing(server: Server, migrated: str) -> Iterator[Connected]:
    """Start a hub with its OSS once for the tests whose messages are all refused."""
    with (
        server.database_from(migrated) as name,
        serving(create_oss_mock(), grace=0) as oss,
        connected(server.settings(name), oss) as running,
    ):
        yield running


def message(name: Inbound, **more: Any) -> dict[str, Any]:
    return {guide().messages[name].root: {"nib": NIB} | more}


def token(nib: str = NIB, day: date | None = None, password: str = "rahasia") -> dict[str, str]:
    return {"Token": compute_token("oss", password, nib, day or datetime.now(DEFAULT_ZONE).date())}


def deliver(
    hub: Connected, name: Inbound, body: Any, *, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Send a message as OSS, and return the response, which is always HTTP 200."""
    answer = hub.client.post(
        f"/api/v1/oss/{PATHS[name]}", json=body, headers=token() if headers is None else headers
    )
    assert answer.status_code == 200
    assert list(answer.json()) == [guide().messages[name].answer]
    return answer.json()[guide().messages[name].answer]


def test_the_mapping_has_every_message_with_the_root_and_answer_of_the_guide() -> None:
    messages = guide().messages
    assert set(messages) == {*IN, *OUT}
    assert {name for name, shape in messages.items() if shape.direction == "in"} == set(IN)
    for name, shape in messages.items():
        assert shape.answer == f"respon{name}"
        assert set(shape.required) <= shape.fields.keys()
        for path, (kind, _) in shape.fields.items():
            parent = path.rpartition(".")[0]
            assert not parent or shape.fields[parent][0] in {"object", "object[]"}
            assert kind in {"string", "number", "boolean", "date", "object", "object[]"}


@dataclass
class Served:
    """A hub and a mock OSS, each on a socket of its own."""

    address: str
    oss: str
    settings: Settings
    key: dict[str, str]

    def send(self, name: Inbound, fields: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have the mock server sign and send a message, and return the hub's answer."""
        command = {"send": name, "to": self.address, "username": "oss", "password": "rahasia"}
        answer = LOOPBACK.put(f"{self.oss}/mock", json=command | {"fields": fields}, timeout=20)
        assert answer.json()["status"] == 200, answer.text
        return answer.json()["answer"][guide().messages[name].answer]

    def request(self, method: str, path: str, body: Any) -> tuple[httpx.Response, list[Any]]:
        """Return the hub's response, and the messages that it sent to OSS."""
        before = len(self.received())
        answer = LOOPBACK.request(
            method, f"{self.address}/api/v1/oss/{path}", json=body, headers=self.key
        )
        return answer, self.received()[before:]

    def received(self) -> list[dict[str, Any]]:
        return LOOPBACK.get(f"{self.oss}/mock").json()["received"]


@pytest.fixture(scope="module")
def served(server: Server, migrated: str) -> Iterator[Served]:
    with server.database_from(migrated) as name, serving(create_oss_mock(), grace=0) as oss:
        settings = connected_settings(server.settings(name), oss)
        with serving(create_app(settings)) as address:
            key = {"Authorization": f"Bearer {new_key(settings, 'dpmptsp', 'usage:write')}"}
            yield Served(address, oss, settings, key)


CALLS: dict[Outbound, tuple[str, str, dict[str, Any]]] = {
    "checkNIB": ("GET", f"nib/{NIB}", {"nib": NIB}),
    "inqueryNIB": ("GET", f"nib/{NIB}/licenses", {"nib": NIB}),
    "checkLicenseStatus": ("GET", "licenses/I-1", {"id_izin": "I-1"}),
    "receiveLicenseStatus": ("POST", "license-statuses", max_length_fields("receiveLicenseStatus")),
    "receiveLicense": ("POST", "licenses", max_length_fields("receiveLicense")),
    "getDataReferensi": ("GET", "references/01", {"kode": "01"}),
}
"""By which address of the hub each message goes to OSS, and with what in it."""


@pytest.mark.parametrize("name", OUT)
def test_every_message_to_oss_goes_there_and_its_answer_comes_back(
    served: Served, name: Outbound
) -> None:
    method, path, fields = CALLS[name]
    answer, received = served.request(method, path, fields if method == "POST" else None)
    assert answer.status_code == 200, answer.text
    assert received == [{"message": name, "body": {guide().messages[name].root: fields}}]
    if method == "POST":
        assert answer.json()["answer"]["kode"] == "200"
    else:
        assert answer.json()["fresh"] is True


def places(name: Inbound | Outbound) -> list[str]:
    """Return the fields of a message that have a maximum length."""
    return [place for place, (_, most) in guide().messages[name].fields.items() if most]


def one_longer(name: Inbound | Outbound, place: str) -> dict[str, Any]:
    """Return a message with one field a character, or a digit, too long."""
    kind, most = guide().messages[name].fields[place]
    *parents, leaf = place.split(".")
    longest = int((most or "").partition(".")[0])
    content: Any = {leaf: ("9" if kind == "number" else "x") * (longest + 1)}
    for depth in range(len(parents), 0, -1):
        parent, _ = guide().messages[name].fields[".".join(parents[:depth])]
        content = {parents[depth - 1]: [content] if parent == "object[]" else content}
    needed = {need: max_length_fields(name)[need] for need in guide().messages[name].required}
    return needed | content


@pytest.mark.slow
@pytest.mark.parametrize("name", [*IN, *OUT])
def test_a_message_may_have_the_maximum_lengths_of_the_guide_and_no_more(
    name: Inbound | Outbound,
) -> None:
    root = guide().messages[name].root
    assert validate_message(name, {root: max_length_fields(name)}) == []
    for place in places(name):
        [fault] = validate_message(name, {root: one_longer(name, place)})
        assert fault.startswith(f"{root}.{place}: may have ")


@pytest.mark.parametrize("name", IN)
def test_a_message_that_oss_sends_whole_is_stored_and_one_that_is_too_long_is_rejected(
    served: Served, name: Inbound
) -> None:
    assert served.send(name)["kode"] == "200"
    assert count_messages_named(served.settings, name) == 1
    # The deepest field of the message that was signed with its NIB.
    place = max((each for each in places(name) if each != "nib"), key=lambda each: each.count("."))
    refused = served.send(name, one_longer(name, place))
    assert refused["kode"] == "400"
    assert refused["keterangan"].startswith(f"{guide().messages[name].root}.{place}: may have ")
    assert count_messages_named(served.settings, name) == 1


def test_the_licences_of_a_nib_come_without_a_name_and_are_not_stored(hub: Connected) -> None:
    answer = hub.get(f"nib/{NIB}/licenses").json()
    assert (answer["nib"], answer["status"], answer["status_text"]) == (NIB, "01", "Aktif")
    assert answer["items"] == [
        {
            "id": "I-1",
            "code": "029000000047",
            "kind": "02",
            "district": "1212000000",
            "status": "41",
        }
    ]
    assert "Contoh" not in json.dumps(answer)
    assert all_answer_columns(hub.settings) == []
    hub.set_mode("kode-500")
    assert hub.get(f"nib/{NIB}/licenses").json()["reason"] == "status"
    assert hub.client.get(f"/api/v1/oss/nib/{NIB}/licenses").status_code == 401


@pytest.mark.parametrize("path", [f"nib/{NIB}", f"nib/{NIB}/licenses", "licenses/I-1"])
@pytest.mark.parametrize("mode", ["unexpected-list", "unexpected-numbers"])
def test_an_answer_of_another_type_gives_null_and_no_server_error(
    served: Served, path: str, mode: str
) -> None:
    LOOPBACK.put(f"{served.oss}/mock", json={"mode": mode, "times": 1})
    answer, _ = served.request("GET", path, None)
    assert answer.status_code == 200
    assert answer.json()["status"] is None


@pytest.mark.parametrize("name", IN)
def test_a_message_from_oss_is_stored_and_then_acknowledged(hub: Connected, name: Inbound) -> None:
    answer = deliver(hub, name, message(name))
    assert (answer["kode"], answer["status"]) == ("200", "1")
    assert [row[0] for row in stored_messages(hub.settings)] == [name]


def test_no_personal_data_of_a_message_is_stored(hub: Connected) -> None:
    body = message(
        "receiveNIB",
        nama_perseroan="Kedai Contoh",
        alamat_perseroan="Jalan Contoh 1",
        kd_daerah="1212000000",
        skala_usaha="01",
        data_checklist=[{"kd_izin": "029000000047", "nama_izin": "x"}, {"kd_izin": "01"}],
        tidak_dikenal={"apa": "saja"},
    )
    deliver(hub, "receiveNIB", body)
    [(_, facts)] = stored_messages(hub.settings)
    assert json.loads(facts) == {
        "kd_daerah": "1212000000",
        "skala_usaha": "01",
        "change": "no",
        "licences": ["01", "029000000047"],
    }
    [whole] = all_message_columns(hub.settings)
    assert NIB not in whole
    assert "Contoh" not in whole


def test_the_same_message_again_is_acknowledged_and_counted_once(hub: Connected) -> None:
    def send(_: int) -> str:
        return deliver(hub, "receiveNIB", message("receiveNIB"))["kode"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(16))) == {"200"}
    assert len(stored_messages(hub.settings)) == 1
    deliver(hub, "receiveNIB", message("receiveNIB", status_nib="05"))
    assert len(stored_messages(hub.settings)) == 2
    # Only what is stored has an audit line, although OSS gets 200 for all.
    hub.client.post("/api/v1/oss/receive-nib", json={})
    chain_audit_log(hub.settings)
    assert anonymous_audit_targets(hub.settings) == ["/api/v1/oss/receive-nib"] * 2


def test_a_message_that_cannot_be_stored_is_not_acknowledged_and_counts_once_when_repeated(
    hub: Connected,
) -> None:
    with hidden_table(hub.settings, "gateway.oss_message"):
        refused = deliver(hub, "receiveNIB", message("receiveNIB"))
    assert (refused["kode"], refused["status"]) == ("500", "0")
    assert deliver(hub, "receiveNIB", message("receiveNIB"))["kode"] == "200"
    assert len(stored_messages(hub.settings)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Token": ""},
        {"Token": "a" * 10_000},
        {"Token": "é".encode("latin-1").decode("latin-1")},
        token(password="salah"),
        token(nib="9999999999999"),
        token(day=datetime.now(DEFAULT_ZONE).date() - timedelta(days=2)),
    ],
)
def test_a_wrong_token_is_kode_401_and_nothing_is_stored(
    refusing: Connected, headers: dict[str, str]
) -> None:
    raw: Any = {name: value.encode("latin-1") for name, value in headers.items()}
    assert deliver(refusing, "receiveNIB", message("receiveNIB"), headers=raw)["kode"] == "401"
    assert stored_messages(refusing.settings) == []


@pytest.mark.slow
@pytest.mark.parametrize("claimed", [{}, {"X-Forwarded-For": "203.0.113.9"}])
def test_a_valid_message_from_another_address_is_kode_403_and_nothing_is_stored(
    hub: Connected, claimed: dict[str, str]
) -> None:
    elsewhere = TestClient(hub.client.app, follow_redirects=False, client=("198.51.100.7", 50_000))
    answer = elsewhere.post(
        f"/api/v1/oss/{PATHS['receiveNIB']}",
        json=message("receiveNIB"),
        headers=token() | claimed,
    )
    result = answer.json()["responreceiveNIB"]
    assert (answer.status_code, result["kode"], result["status"]) == (200, "403", "0")
    assert stored_messages(hub.settings) == []


def test_a_sender_behind_a_trusted_proxy_is_the_client_that_it_reports(hub: Connected) -> None:
    forwarded = token() | {"X-Forwarded-For": "198.51.100.7"}
    refused = deliver(hub, "receiveNIB", message("receiveNIB"), headers=forwarded)
    assert refused["kode"] == "403"
    assert stored_messages(hub.settings) == []


def test_a_password_of_oss_needs_the_addresses_of_its_senders() -> None:
    with pytest.raises(ValueError, match="EMALL_OSS_SENDERS"):
        Settings.model_validate({"oss_username": "oss", "oss_password": "rahasia"})
    with pytest.raises(ValueError, match=r"300\.1\.1\.1"):
        Settings.model_validate({"oss_senders": "127.0.0.1, 300.1.1.1"})


def test_a_token_is_sha1_of_user_password_nib_and_day() -> None:
    day = date(2026, 3, 1)
    made = compute_token("user", "pass", NIB, day)
    assert made == hashlib.sha1(b"userpass123456789012320260301").hexdigest()
    given = {"username": "user", "password": "pass", "nib": NIB}
    assert is_valid_token(made.upper(), **given, days=[day])
    assert is_valid_token(made, **given, days=[day - timedelta(days=1), day])
    assert not is_valid_token(made, **given, days=[day + timedelta(days=1)])
    assert not is_valid_token("", **given, days=[day])


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"nama_perseroan": "x" * 256}, "dataNIB.nama_perseroan"),
        ({"kd_daerah": "1212"}, "dataNIB.kd_daerah"),
        ({"jenis_pelaku_usaha": "09"}, "dataNIB.jenis_pelaku_usaha"),
        ({"status_nib": "99"}, "dataNIB.status_nib"),
        ({"total_pma": "banyak"}, "dataNIB.total_pma"),
        ({"total_pma": True}, "dataNIB.total_pma"),
        ({"total_pma": 10**25}, "dataNIB.total_pma"),
        ({"nama_perseroan": 7}, "dataNIB.nama_perseroan"),
        ({"data_proyek": {}}, "dataNIB.data_proyek"),
        ({"data_proyek": ["x"]}, "dataNIB.data_proyek"),
        ({"data_proyek": [{"id_proyek": "x" * 26}]}, "dataNIB.data_proyek.id_proyek"),
        ({"data_checklist": [{"flag_checklist": "Z"}]}, "dataNIB.data_checklist.flag_checklist"),
    ],
)
def test_a_wrong_length_code_or_kind_is_kode_400_and_named(
    refusing: Connected, more: dict[str, Any], named: str
) -> None:
    answer = deliver(refusing, "receiveNIB", message("receiveNIB", **more))
    assert (answer["kode"], answer["status"]) == ("400", "0")
    assert answer["keterangan"].startswith(f"{named}: ")
    assert stored_messages(refusing.settings) == []


def test_what_is_empty_absent_or_unknown_is_no_fault() -> None:
    more = {"kd_daerah": "", "status_nib": None, "baru": [1], "total_pma": "12.50"}
    assert validate_message("receiveNIB", message("receiveNIB", **more)) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"dataNIB": 3}', b"\xff", b"[" * 200_000, b'{"a":NaN}'],
)
def test_a_body_that_is_no_message_has_a_clear_outcome(refusing: Connected, body: bytes) -> None:
    answer = refusing.client.post("/api/v1/oss/receive-nib", content=body, headers=token(nib=""))
    assert answer.status_code == 200
    assert answer.json()["responreceiveNIB"]["kode"] == "400"


def test_a_deep_or_odd_unknown_field_does_no_harm(hub: Connected) -> None:
    opening, closing = "[" * 5000, "]" * 5000
    deep = f'{{"dataNIB": {{"nib": "{NIB}", "x": {opening}{closing}}}}}'
    odd = f'{{"dataNIB": {{"nib": "{NIB}", "kd_izin": "a\\u0000", "y": "\\ud800"}}}}'
    for body in (deep, odd):
        answer = hub.client.post("/api/v1/oss/receive-nib", content=body, headers=token())
        assert answer.json()["responreceiveNIB"]["kode"] in {"200", "400"}


def test_a_hub_without_a_password_takes_no_messages(empty: Settings) -> None:
    with TestClient(create_app(empty)) as client:
        answer = client.post("/api/v1/oss/receive-nib", json=message("receiveNIB"))
        assert answer.json()["responreceiveNIB"]["kode"] == "405"
        nib = client.get(
            f"/api/v1/oss/nib/{NIB}", headers=Hub(client, empty).auth("pupr", "usage:write")
        )
    assert nib.status_code == 404
    assert "EMALL_OSS_URL" in nib.json()["detail"]


def test_counts_by_month_hide_small_groups(hub: Connected) -> None:
    for number in range(5):
        deliver(hub, "receiveNIB", message("receiveNIB", jangka_waktu=str(number)))
    deliver(hub, "receiveFileDS", message("receiveFileDS"))
    now = datetime.now(DEFAULT_ZONE)
    answer = hub.client.get(f"/api/v1/oss/statistics?year={now.year}").json()["items"]
    assert [(item["message"], item["count"]) for item in answer] == [
        ("receiveFileDS", None),
        ("receiveNIB", 5),
    ]


def test_the_state_of_a_nib_comes_without_a_name(hub: Connected) -> None:
    answer = hub.get(f"nib/{NIB}").json()
    assert (answer["nib"], answer["status"], answer["status_text"]) == (NIB, "01", "Aktif")
    assert answer["fresh"] is True
    assert "Usaha Contoh" not in json.dumps(answer)
    assert hub.received() == [{"message": "checkNIB", "body": {"CHECKNIB": {"nib": NIB}}}]
    [known] = all_answer_columns(hub.settings)
    assert NIB not in known
    assert "Usaha" not in known


def test_a_licence_whose_applicant_is_asked_has_its_clock_stopped(hub: Connected) -> None:
    answer = hub.get("licenses/L-1").json()
    assert (answer["status"], answer["clock"]) == ("41", "stopped")
    assert answer["status_text"] == "Konfirmasi Persyaratan"


CLOCKS = {
    "stopped": {"41", "43"},
    # Approved, also by the system itself where an agency was late; refused, also for what an
    # application lacks for good; and what befalls a licence that was issued.
    "ended": {"50", "57", "90", "93", "60", "70", "80"},
    # Everything before a decision, and a licence that is issued for the time being alone.
    "running": {"05", "09", "10", "11", "12", "20", "30", "31", "32", "33", "34", "40", "42"}
    | {"44", "45", "49", "52"},
}


@pytest.mark.parametrize("code", guide().codes["status_izin"])
def test_every_code_of_a_licence_runs_stops_or_ends_the_clock(code: str) -> None:
    assert [clock for clock, codes in CLOCKS.items() if code in codes] == [clock_state(code)]


def test_the_pack_counts_as_approved_and_rejected_what_ends_the_clock() -> None:
    pack = yaml.safe_load((TOBA / "connectors.yaml").read_bytes())
    counted = {
        rule["measure"]: set(rule["where"]["kd_status"])
        for rule in pack["oss"]["rules"]
        if rule["message"] == "receiveLicenseStatus"
    }
    clock = guide().clock
    assert counted == {
        "returned": set(clock["stops"]),
        "completed": set(clock["approved"]),
        "rejected": set(clock["rejected"]),
    }


def test_a_table_of_codes_is_passed_on(hub: Connected) -> None:
    [item] = hub.get("references/01").json()["items"]
    assert item["uraian_referensi"] == "Badan Usaha"


STATUS = {"nib": NIB, "id_izin": "I-1", "kd_status": "50"}
LICENCE = {"nib": NIB, "id_izin": "I-1", "status_izin": "50"}


def test_submitted_licences_arrive_once(hub: Connected) -> None:
    assert hub.post("license-statuses", STATUS).json()["message"] == "receiveLicenseStatus"
    assert hub.post("licenses", LICENCE).json()["answer"]["kode"] == "200"
    assert [request["body"] for request in hub.received()] == [
        {"IZINSTATUS": STATUS},
        {"IZINFINAL": LICENCE},
    ]


def test_a_second_stop_of_a_licence_is_submitted_and_stored_again(hub: Connected) -> None:
    states = ["41", "42", "41", "42"]
    for state in states:
        assert hub.post("license-statuses", STATUS | {"kd_status": state}).status_code == 200
    assert [request["body"]["IZINSTATUS"]["kd_status"] for request in hub.received()] == states
    stored = [json.loads(facts)["kd_status"] for _, facts in stored_messages(hub.settings)]
    assert stored == states


@pytest.mark.slow
def test_requests_with_one_idempotency_key_are_submitted_and_stored_once(hub: Connected) -> None:
    def submit(_: int) -> tuple[int, Any]:
        answer = hub.post("license-statuses", STATUS, Idempotency_Key="one")
        return answer.status_code, answer.json()["answer"]["kode"]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(submit, range(6))) == {(200, "200")}
    assert len(hub.received()) == 1
    assert len(stored_messages(hub.settings)) == 1
    other = hub.post("license-statuses", STATUS | {"kd_status": "41"}, Idempotency_Key="one")
    assert other.status_code == 409
    assert other.json()["errors"][0]["parameter"] == "Idempotency-Key"
    # Another operation's keys are others.
    assert hub.post("licenses", LICENCE, Idempotency_Key="one").status_code == 200
    assert hub.post("license-statuses", STATUS, Idempotency_Key="two").status_code == 200
    assert len(stored_messages(hub.settings)) == 2
    assert NIB not in all_idempotency_columns(hub.settings)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["status-503", "kode-400"])
def test_an_idempotency_key_can_be_used_again_after_a_failure(hub: Connected, mode: str) -> None:
    hub.set_mode(mode, times=1)
    assert hub.post("license-statuses", STATUS, Idempotency_Key="one").status_code == 503
    assert stored_messages(hub.settings) == []
    assert hub.post("license-statuses", STATUS, Idempotency_Key="one").status_code == 200
    assert len(hub.received()) == 2
    assert len(stored_messages(hub.settings)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("path", ["licenses", "license-statuses"])
def test_values_that_are_not_json_are_not_sent_and_give_no_server_error(
    hub: Connected, path: str
) -> None:
    for odd in ("NaN", '"\\ud800"', "[" * 5000 + "]" * 5000):
        answer = hub.client.post(
            f"/api/v1/oss/{path}",
            content=json.dumps(STATUS | LICENCE).replace("}", f', "x": {odd}}}'),
            headers=hub.key_of_dpmptsp | {"Content-Type": "application/json"},
        )
        assert answer.status_code == 422, odd[:20]
    assert hub.received() == []


def test_a_message_is_validated_before_it_is_sent(hub: Connected) -> None:
    for wrong, pointer in (
        ({"kd_status": "77"}, "#/kd_status"),
        ({"nib": "1"}, "#/nib"),
        ({"id_izin": ""}, "#/id_izin"),
        ({"data_pnbp": {"kd_akun": "x" * 21}}, "#/data_pnbp/kd_akun"),
    ):
        answer = hub.post("license-statuses", STATUS | wrong)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert hub.received() == []


def test_only_the_agency_of_licences_may_submit_them(hub: Connected) -> None:
    path = "/api/v1/oss/licenses"
    assert hub.client.post(path, json=LICENCE).status_code == 401
    other = hub.auth("pupr", "usage:write")
    assert hub.client.post(path, json=LICENCE, headers=other).status_code == 403
    assert hub.client.get(f"/api/v1/oss/nib/{NIB}").status_code == 401
    assert hub.received() == []


FAILURES = {
    "kode-500": "status",
    "kode-504": "status",
    "status-500": "status",
    "status-503": "status",
    "not-json": "invalid_response",
    "no-kode": "invalid_response",
    "invalid-json": "invalid_response",
    "slow": "timeout",
    "slow-body": "timeout",
    "truncated": "connection_reset",
    "huge": "too_large",
}


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "reason"), FAILURES.items())
def test_a_failure_of_oss_is_a_problem_with_its_reason_and_messages_are_sent_once(
    hub: Connected, mode: str, reason: str
) -> None:
    hub.set_mode(mode)
    answer = hub.get(f"nib/{NIB}")
    assert answer.status_code == 503
    problem = answer.json()
    assert (problem["portal"], problem["reason"]) == ("oss", reason)
    assert "retry-after" in answer.headers
    # A message without an answer may have arrived: only queries are retried.
    for name, path, body in (
        ("receiveLicense", "licenses", LICENCE),
        ("receiveLicenseStatus", "license-statuses", STATUS),
    ):
        before = len(hub.received())
        answer = hub.post(path, body)
        assert answer.status_code == 503
        problem = answer.json()
        assert (problem["portal"], problem["reason"]) == ("oss", reason)
        assert "may have received it" in problem["detail"]
        assert [request["message"] for request in hub.received()[before:]] == [name]
    assert stored_messages(hub.settings) == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["status-503", "not-json", "truncated", "slow"])
def test_while_oss_fails_the_last_known_answer_is_returned_with_its_age(
    hub: Connected, mode: str
) -> None:
    assert hub.get(f"nib/{NIB}").status_code == 200
    make_answers_older(hub.settings, hours=1)
    hub.set_mode(mode)
    answer = hub.get(f"nib/{NIB}").json()
    assert (answer["status"], answer["fresh"]) == ("01", False)
    assert answer["age_seconds"] >= 3600


@pytest.mark.slow
def test_a_query_is_retried_and_a_message_is_not(hub: Connected) -> None:
    hub.set_mode("status-503", times=2)
    assert hub.get(f"nib/{NIB}").json()["fresh"] is True
    assert len(hub.received()) == 3
    hub.set_mode("status-503", times=1)
    answer = hub.post("licenses", LICENCE)
    assert answer.status_code == 503
    assert "may have received it" in answer.json()["detail"]
    assert len(hub.received()) == 4


def test_a_rejection_by_oss_is_no_failure_of_it(hub: Connected) -> None:
    hub.set_mode("kode-400", times=1)
    assert hub.get(f"nib/{NIB}").status_code == 404
    hub.set_mode("kode-401", times=1)
    answer = hub.get(f"nib/{NIB}")
    assert (answer.status_code, answer.json()["kode"]) == (503, "401")
    [state] = hub.client.get("/api/v1/connectors").json()["items"]
    assert (state["breaker"], state["failures"]) == ("closed", 0)


@pytest.mark.slow
def test_a_closed_port_is_a_refused_connection(empty: Settings) -> None:
    with connected(empty, f"http://127.0.0.1:{free_port()}") as hub:
        assert hub.get(f"nib/{NIB}").json()["reason"] == "connection_refused"


@pytest.mark.slow
def test_after_too_many_failures_the_breaker_opens_and_an_operator_closes_it(
    hub: Connected,
) -> None:
    hub.set_mode("status-503")
    for _ in range(2):
        hub.get(f"nib/{NIB}")
    before = len(hub.received())
    assert hub.get(f"nib/{NIB}").json()["reason"] == "breaker_open"
    assert len(hub.received()) == before
    [state] = hub.client.get("/api/v1/connectors").json()["items"]
    assert (state["name"], state["breaker"]) == ("oss", "open")
    hub.set_mode("ok")
    path = "/api/v1/connectors/oss/breaker"
    admin = hub.auth("diskominfo", "admin")
    assert hub.client.put(path, json={"state": "closed"}).status_code == 401
    overridden = hub.client.put(path, json={"state": "closed"}, headers=admin)
    assert overridden.json()["breaker"] == "closed"
    assert hub.get(f"nib/{NIB}").json()["fresh"] is True
    assert hub.client.put(path, json={"state": "x"}, headers=admin).status_code == 422
    unknown = path.replace("oss", "none")
    assert hub.client.put(unknown, json={"state": "open"}, headers=admin).status_code == 404


@pytest.mark.slow
def test_a_breaker_opens_waits_probes_and_closes_automatically(hub: Connected) -> None:
    clock = Clock()
    set_oss_breaker(hub, CircuitBreaker(BreakerPolicy(), clock))

    def query() -> tuple[str, int, str]:
        """Return the reason, the messages that OSS received, and the breaker's state."""
        answer = hub.get(f"nib/{NIB}").json()
        [state] = hub.client.get("/api/v1/connectors").json()["items"]
        return answer.get("reason", "answered"), len(hub.received()), state["breaker"]

    hub.set_mode("status-503")
    assert query() == ("status", 3, "closed")
    # The fifth failure opens it in the middle of the second question.
    assert query() == ("breaker_open", 5, "open")
    clock.now += 29.9
    assert query() == ("breaker_open", 5, "open")
    clock.now += 0.1
    # One probe, which fails: the reset timeout starts again.
    assert query() == ("breaker_open", 6, "open")
    hub.set_mode("ok")
    clock.now += 29.9
    assert query() == ("breaker_open", 6, "open")
    clock.now += 0.1
    [state] = hub.client.get("/api/v1/connectors").json()["items"]
    assert state["breaker"] == "half_open"
    assert query() == ("answered", 7, "closed")
    assert query() == ("answered", 8, "closed")


@pytest.mark.slow
def test_an_override_at_one_replica_applies_at_another(hub: Connected) -> None:
    with connected(hub.settings, hub.oss) as other:
        admin = hub.auth("diskominfo", "admin")
        path = "/api/v1/connectors/oss/breaker"
        hub.client.put(path, json={"state": "open"}, headers=admin)
        answer = other.get(f"nib/{NIB}")
    assert answer.json()["reason"] == "breaker_open"
    assert hub.received() == []


def test_a_nib_that_is_none_is_422(hub: Connected) -> None:
    for wrong in ("1", "x" * 13, "1" * 14, "١" * 13):
        assert hub.get(f"nib/{wrong}").status_code == 422
    assert hub.received() == []
