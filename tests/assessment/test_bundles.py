"""A bundle computes itself again, anywhere; any changed byte of it is found and named."""

import asyncio
import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.assessment.bundles import contents
from services.assessment.bundles.archive import pack, unpack
from services.assessment.bundles.contents import Parameters, make_bundle, manifest_of
from services.assessment.bundles.signing import Signer, read_public_key
from services.assessment.bundles.verify import FILES, BundleError, read_bundle, verify
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_methods
from services.assessment.scoring.assess import assess
from services.platform.bounded_process import Limits, call_bounded
from services.platform.problems import TooLarge
from services.platform.settings import ROOT
from tests.assessment.evidence_builders import facts, survey, toba_items
from tests.assessment.test_assess import CATALOG
from tests.conftest import Hub

OWN = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
AWARENESS = survey(
    "awareness",
    120,
    {
        "knows_portals": {"website": 60, "none": 60},
        "knows_service_online": {"yes": 30, "no": 90},
    },
)


@cache
def toba() -> bytes:
    """Return a bundle of Toba 2024, with a survey, so that something is sampled."""
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    read = facts(*toba_items(), CATALOG, AWARENESS)
    parameters = Parameters(
        id=UUID(int=7),
        region="12.12",
        period=read.period,
        method=method.id,
        method_version=method.version,
        method_hash=method.hash(),
        evidence_hash=read.hash(),
        seed=1,
        draws=500,
        recorded_at=datetime(2026, 3, 1, tzinfo=UTC),
        recorded_by="diskominfo",
        software="0.1.0",
    )
    scores = assess(method, read, seed=1, draws=500)
    return make_bundle(parameters, method, read.items, scores, signer=OWN)


def files() -> dict[str, bytes]:
    return unpack(toba()).files


def forged(name: str, change: Callable[[Any], Any], *, signer: Signer = OTHER) -> bytes:
    """Return the bundle with one file changed, and its manifest and signature made to match."""
    return signed_again(name, contents.as_json(change(json.loads(files()[name]))), signer=signer)


def signed_again(name: str, content: bytes, *, signer: Signer = OTHER) -> bytes:
    """Return the bundle with other bytes of a file, and manifest and signature made to match."""
    found = files() | {name: content}
    found[contents.PUBLIC_KEY] = signer.public.pem.encode()
    del found[contents.MANIFEST], found[contents.SIGNATURE]
    found[contents.MANIFEST] = manifest_of(found)
    found[contents.SIGNATURE] = signer.sign(found[contents.MANIFEST])
    return pack(found)


def faults_of(archive: bytes, **more: Any) -> list[str]:
    with pytest.raises(BundleError) as refused:
        verify(archive, **more)
    assert refused.value.faults
    return refused.value.faults


def test_a_bundle_agrees_with_itself_and_is_the_same_bytes_each_time() -> None:
    found = verify(toba(), key=read_public_key(OWN.public.pem.encode()))
    assert found.fingerprint == OWN.public.fingerprint
    assert found.nodes == 1 + 3 + 12 + 4 + 42
    first = toba()
    toba.cache_clear()
    assert toba() == first


def test_a_bundle_made_by_version_1_of_the_method_still_verifies() -> None:
    """Written by an earlier release: its figures have no bounds, and none are added."""
    file = ROOT / "tests" / "assessment" / "version_1" / "toba-2024.zip"
    found = verify(file.read_bytes(), key=read_public_key(OWN.public.pem.encode()))
    assert (found.parameters.method_version, found.nodes) == (1, 60)
    stored = read_bundle(file.read_bytes()).scores
    assert {(node.proven, node.possible) for node in stored.nodes()} == {(None, None)}


def test_a_bundle_made_on_another_python_verifies() -> None:
    """Written on Python 3.13.5; the oldest Python on which the suite runs is 3.11."""
    file = ROOT / "tests" / "assessment" / "version_2" / "toba-2024.zip"
    found = verify(file.read_bytes())
    assert (found.parameters.method_version, found.nodes) == (2, 62)
    index = read_bundle(file.read_bytes()).scores.index
    assert (index.proven, index.value, index.possible) == (13.0268, 41.7101, 89.0046)


def test_any_unzip_opens_it() -> None:
    with zipfile.ZipFile(io.BytesIO(toba())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(FILES)
        for name in FILES:
            assert archive.read(name) == files()[name]


def test_it_describes_itself_as_an_ro_crate() -> None:
    crate = json.loads(files()[contents.CRATE])
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    by_id = {entity["@id"]: entity for entity in crate["@graph"]}
    assert by_id[contents.CRATE]["about"] == {"@id": "./"}
    root = by_id["./"]
    assert {"name", "description", "datePublished", "license"} <= root.keys()
    for part in root["hasPart"]:
        entity = by_id[part["@id"]]
        assert entity["@type"] == "File"
        assert entity["contentSize"] == str(len(files()[part["@id"]]))
    for entity in crate["@graph"]:
        for value in entity.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict) and not one["@id"].startswith("https://"):
                    assert one["@id"] in by_id


@pytest.mark.slow
def test_any_of_150_random_bytes_changed_is_refused_with_its_place() -> None:
    whole = toba()
    spans = {
        name: range(whole.index(content), whole.index(content) + len(content))
        for name, content in files().items()
    }
    rng = random.Random(20260301)
    for at in rng.sample(range(len(whole)), 150):
        changed = bytearray(whole)
        changed[at] ^= rng.randint(1, 255)
        found = faults_of(bytes(changed))
        inside = next((name for name, span in spans.items() if at in span), None)
        if inside is not None:
            assert any(fault.startswith(f"{inside}: bytes ") for fault in found), (at, found)
        else:
            damaged = ("byte", "archive", "is missing", "checksum")
            assert any(word in fault for fault in found for word in damaged), (at, found)


@pytest.mark.slow
def test_bytes_of_the_frame_count() -> None:
    """Every third byte of the headers, the directory, the manifest and the signature."""
    whole = toba()
    found = files()
    small = {contents.MANIFEST, contents.SIGNATURE, contents.PUBLIC_KEY}
    spans = [(whole.index(found[name]), len(found[name])) for name in FILES]
    content = {
        at
        for name, (start, size) in zip(FILES, spans, strict=True)
        if name not in small
        for at in range(start, start + size)
    }
    frame = [at for at in range(len(whole)) if at not in content]
    assert 1000 < len(frame) < 4000
    for at in frame[::3]:
        changed = bytearray(whole)
        changed[at] ^= 0x20
        if not unpack(bytes(changed)).faults:
            faults_of(bytes(changed))


@pytest.mark.parametrize("cut", [0, 1, 29, 1000, -1])
def test_a_bundle_that_is_cut_off_or_longer_is_refused(cut: int) -> None:
    assert faults_of(toba()[:cut])
    assert "follows the archive" in faults_of(toba() + b"x")[0]


def test_a_changed_file_is_named() -> None:
    whole = toba()
    at = whole.index(b'"seed": 1') + len('"seed": ')
    changed = whole[:at] + b"2" + whole[at + 1 :]
    found = faults_of(changed)
    assert found[0].startswith("parameters.json: bytes ")
    assert "parameters.json: its SHA-256 is not the one in manifest.json" in found


def test_a_forged_figure_is_named_even_where_everything_was_signed_anew() -> None:
    def change(scores: Any) -> Any:
        trust = scores["dimensions"][1]["elements"][0]
        assert trust["code"] == "trust"
        trust["value"] = 75.0
        return scores

    assert faults_of(forged(contents.SCORES, change)) == [
        "scores.json: value of trust is 75.0, recomputed it is 44.0"
    ]


def test_forged_evidence_is_named_with_the_figures_that_follow() -> None:
    def change(items: Any) -> Any:
        one = next(item for item in items if item["key"] == "programmes-running-2024")
        one["content"]["value"] = 0.9
        return items

    found = faults_of(forged(contents.EVIDENCE, change))
    assert "evidence.json: is not the evidence that parameters.json names by hash" in found
    assert "scores.json: value of understanding is 50.0, recomputed it is 90.0" in found


def test_a_forged_method_is_named() -> None:
    def change(method: Any) -> Any:
        return method | {"minimum_coverage": 0.1}

    assert "method.json: is not the method that parameters.json names by its hash" in faults_of(
        forged(contents.METHOD, change)
    )


def test_another_key_than_the_hubs_is_refused_where_it_is_known() -> None:
    same = forged(contents.PARAMETERS, lambda parameters: parameters)
    assert verify(same).fingerprint == OTHER.public.fingerprint
    found = faults_of(same, key=read_public_key(OWN.public.pem.encode()))
    assert found[0] == "public-key.pem: is not the key that was given"


def test_a_missing_and_a_foreign_file_are_named() -> None:
    found = files()
    del found[contents.EVIDENCE]
    found["extra.txt"] = b"x"
    named = faults_of(pack(found))
    assert "evidence.json: is missing" in named
    assert "extra.txt: does not belong here" in named


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "verify", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "EMALL_DATA_DIR": str(folder / "none")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_the_hubs_bundle_verifies_on_the_command_line_in_an_empty_folder(
    hub: Hub, tmp_path: Path
) -> None:
    made = hub.client.post(
        "/api/v1/assessments",
        json={"period": 2024, "draws": 500},
        headers=hub.auth("diskominfo", "metrics:draft"),
    )
    assert made.status_code == 201, made.text
    answer = hub.client.get(made.json()["bundle_href"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.content == hub.client.get(made.json()["bundle_href"]).content
    published = hub.client.get("/api/v1/metrics/publishing-key").json()
    (tmp_path / "bundle.zip").write_bytes(answer.content)
    (tmp_path / "key.pem").write_text(published["pem"])

    agreed = run(tmp_path, "bundle.zip", "--key", "key.pem")
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    assert "to the last digit" in agreed.stdout
    assert published["fingerprint"] in agreed.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle.zip", "key.pem"]

    changed = answer.content.replace(b'"value": 0.5', b'"value": 0.6', 1)
    (tmp_path / "bundle.zip").write_bytes(changed)
    refused = run(tmp_path, "bundle.zip")
    assert refused.returncode == 1
    assert refused.stdout.startswith("evidence.json: bytes ")
    assert run(tmp_path, "nothing.zip").returncode == 2


@pytest.mark.slow
def test_a_bundle_names_what_was_attached_when_the_year_was_assessed(hub: Hub) -> None:
    writer = hub.auth("diskominfo", "evidence:write", "metrics:draft", "admin")

    def assess() -> str:
        body = {"period": 2024, "draws": 200}
        made = hub.client.post("/api/v1/assessments", json=body, headers=writer)
        assert made.status_code == 201, made.text
        href: str = made.json()["bundle_href"]
        return href

    def bundle(href: str) -> bytes:
        answer = hub.client.get(href)
        assert answer.status_code == 200, answer.text
        return answer.content

    before = assess()
    bare = bundle(before)
    found = hub.client.get("/api/v1/meetings").json()["items"][0]
    path = f"/api/v1/evidence/meetings/{found['id']}/attachments"
    content = b"%PDF-1.7\nstartxref\n0\n%%EOF\n"
    attached = hub.client.post(
        path, content=content, headers=writer | {"Content-Type": "application/pdf"}
    )
    assert attached.status_code == 201, attached.text
    assessed = assess()
    with_file = bundle(assessed)
    assert bundle(before) == bare, "an assessment's bundle never changes"
    assert hub.client.delete(attached.json()["href"], headers=writer).status_code == 204
    assert bundle(assessed) == with_file, "not even when the file is deleted"
    verify(with_file)
    crate = json.loads(unpack(with_file).files[contents.CRATE])
    [file] = [each for each in crate["@graph"] if each["@type"] == "MediaObject"]
    assert file["identifier"] == attached.json()["sha256"]
    assert file["name"] == f"Attached to meetings/{found['content']['key']}"
    [root] = [each for each in crate["@graph"] if each["@id"] == "./"]
    assert {"@id": file["@id"]} in root["mentions"]


@pytest.mark.slow
def test_the_sensitivity_of_a_stored_assessment_is_published(hub: Hub) -> None:
    made = hub.client.post(
        "/api/v1/assessments",
        json={"period": 2024, "draws": 500},
        headers=hub.auth("diskominfo", "metrics:draft"),
    ).json()
    found = hub.client.get(made["sensitivity_href"])
    assert found.status_code == 200, found.text
    assert found.json()["value"] == made["index"]["value"]
    assert {factor["code"] for factor in found.json()["factors"]} == {
        "evidence",
        "aggregation",
        "weights",
        "excluded_indicator",
        "goalposts",
    }
    nothing = f"/api/v1/assessments/{UUID(int=1)}"
    for path in ("sensitivity", "bundle"):
        assert hub.client.get(f"{nothing}/{path}").status_code == 404
    consistency = hub.client.get("/api/v1/metrics/consistency").json()
    assert consistency["alpha"] is None
    assert consistency["reason"].endswith("at least 3 are needed")


def zipped_zeros() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(contents.EVIDENCE, bytes(100_000_000))
    return stream.getvalue()


def with_file(name: str, content: bytes) -> bytes:
    return pack(files() | {name: content})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "error"),
    [
        (lambda: with_file(contents.EVIDENCE, b"[" + b"{}," * 2_000_000 + b"{}]"), TooLarge),
        (lambda: with_file(contents.EVIDENCE, b"[" * 5_000_000), BundleError),
        (lambda: pack({f"a{number}": b"" for number in range(50_000)}), BundleError),
        (lambda: b"PK\x03\x04" * 1_000_000, BundleError),
        (zipped_zeros, BundleError),
    ],
    ids=["values", "nested", "files", "signatures", "compressed"],
)
def test_a_bundle_that_takes_too_much_to_verify_is_refused(
    content: Callable[[], bytes], error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        asyncio.run(call_bounded(Limits(), verify, content()))
    if isinstance(refused.value, BundleError):
        assert 1 <= len(refused.value.faults) <= 100


@pytest.mark.parametrize(
    "algorithm",
    ["", "MCowBQYDK2AwAyEA", "MCowBQYDK2VuAyEA"],  # nothing, an unknown one, X25519
)
def test_what_is_no_signing_key_is_no_key(algorithm: str) -> None:
    key = "A6HEv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
    pem = f"-----BEGIN PUBLIC KEY-----\n{algorithm}{key}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(ValueError, match=r"\S"):
        read_public_key(pem.encode())


@pytest.mark.parametrize(
    ("name", "written", "instead"),
    [
        (contents.SCORES, b'"index": {', b'"index": {"value": 99, '),
        (contents.SCORES, b"{", b'{"index": {"value": 99},'),
        (contents.PARAMETERS, b"{", b'{"period": 2025,'),
        (contents.EVIDENCE, b'"content": {', b'"content": {"value": 1, '),
        (contents.METHOD, b"\n ", b"\n  "),
    ],
)
def test_a_name_that_stands_twice_is_found(name: str, written: bytes, instead: bytes) -> None:
    content = files()[name].replace(written, instead, 1)
    assert content != files()[name]
    assert f"{name}: is not written as a hub writes it (a name twice, or another order)" in (
        faults_of(signed_again(name, content))
    )
