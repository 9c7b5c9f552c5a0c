"""Verification of a bundle from its bytes only: form, signature and recomputed figures."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from services.assessment.bundles import contents
from services.assessment.bundles.archive import unpack
from services.assessment.bundles.contents import ITEMS, Parameters, sha256
from services.assessment.bundles.signing import describe_key, is_signed, read_public_key
from services.assessment.methods.definition import (
    METHOD,
    CollaborationMethod,
    CompositeMethod,
    TreeMethod,
)
from services.assessment.scoring.assess import assess
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.scores import Node, Scores

FILES = (
    contents.CRATE,
    contents.README,
    contents.METHOD,
    contents.EVIDENCE,
    contents.PARAMETERS,
    contents.SCORES,
    contents.PUBLIC_KEY,
    contents.MANIFEST,
    contents.SIGNATURE,
)

MAX_FAULTS = 100
"""Faults that are reported; a hostile bundle has any number."""


@dataclass(frozen=True)
class VerifiedBundle:
    """Result of a successful verification."""

    parameters: Parameters
    nodes: int
    fingerprint: str


@dataclass(frozen=True)
class BundleContents:
    """The contents of a bundle that was verified before."""

    parameters: Parameters
    method: TreeMethod
    facts: Facts
    scores: Scores


class BundleError(Exception):
    """A bundle that fails verification, with every reason found."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults

    def __reduce__(self) -> tuple[type["BundleError"], tuple[list[str]]]:
        """Allow to raise this error in another process; the first faults tell enough."""
        return BundleError, (self.faults[:MAX_FAULTS],)


def verify(archive: bytes, *, key: Ed25519PublicKey | None = None) -> VerifiedBundle:
    """Verify a bundle; `BundleError` names every fault.

    Without `key` the signature is checked with the bundle's own key, which proves integrity but not
    who published it.
    """
    opened = unpack(archive)
    files, faults = opened.files, opened.faults
    faults += [f"{name}: is missing" for name in FILES if name not in files]
    faults += [f"{name}: does not belong here" for name in files if name not in FILES]
    if not any(name not in files for name in FILES):
        faults += _manifest_faults(files)
        faults += _signature_faults(files, key)
    faults += _form_faults(files)
    faults += _recomputation_faults(files)
    if faults:
        raise BundleError(list(dict.fromkeys(faults)))
    parameters, scores = _read_parameters(files), _read_scores(files)
    public = read_public_key(files[contents.PUBLIC_KEY])
    return VerifiedBundle(parameters, len(list(scores.nodes())), describe_key(public).fingerprint)


def read_bundle(archive: bytes) -> BundleContents:
    """Read a bundle that `verify` has accepted, checking only its form."""
    files = unpack(archive).files
    parameters = _read_parameters(files)
    return BundleContents(
        parameters, _read_method(files), _read_facts(files, parameters.period), _read_scores(files)
    )


def _form_faults(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the JSON files that are not as a hub writes them.

    Of a name that stands twice readers take the first value or the last: both must not differ.
    """
    for name, content in files.items():
        if not name.endswith(".json"):
            continue
        try:
            is_canonical = contents.as_json(json.loads(content)) == content
        except (ValueError, RecursionError):
            continue  # reported where it is read
        if not is_canonical:
            yield f"{name}: is not written as a hub writes it (a name twice, or another order)"


def _manifest_faults(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the files whose SHA-256 differs from the manifest."""
    try:
        listed: Any = json.loads(files[contents.MANIFEST])["sha256"]
        hashes = {str(name): str(digest) for name, digest in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        yield f"{contents.MANIFEST}: cannot be read"
        return
    own = {contents.MANIFEST, contents.SIGNATURE}
    for name in sorted((hashes.keys() | files.keys()) - own):
        if hashes.get(name) != sha256(files.get(name, b"")):
            yield f"{name}: its SHA-256 is not the one in {contents.MANIFEST}"


def _signature_faults(files: Mapping[str, bytes], key: Ed25519PublicKey | None) -> Iterator[str]:
    try:
        own = read_public_key(files[contents.PUBLIC_KEY])
    except ValueError:
        yield f"{contents.PUBLIC_KEY}: is no Ed25519 public key"
        return
    if key is not None and describe_key(key) != describe_key(own):
        yield f"{contents.PUBLIC_KEY}: is not the key that was given"
    if not is_signed(files[contents.MANIFEST], files[contents.SIGNATURE], key or own):
        yield (
            f"{contents.SIGNATURE}: is not the signature of {contents.MANIFEST} by this key; "
            "one of the three was changed"
        )


def _recomputation_faults(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what cannot be recomputed or recomputes to other figures."""
    try:
        parameters = _read_parameters(files)
        method = _read_method(files)
        facts = _read_facts(files, parameters.period)
        stored = _read_scores(files)
    except BundleError as error:
        yield from error.faults
        return
    if (method.id, method.version, method.hash()) != (
        parameters.method,
        parameters.method_version,
        parameters.method_hash,
    ):
        yield f"{contents.METHOD}: is not the method that {contents.PARAMETERS} names by its hash"
    if facts.hash() != parameters.evidence_hash:
        yield f"{contents.EVIDENCE}: is not the evidence that {contents.PARAMETERS} names by hash"
    try:
        computed = assess(method, facts, seed=parameters.seed, draws=parameters.draws)
    except Exception as error:  # a changed byte may raise anything
        yield f"{contents.EVIDENCE}: cannot be assessed: {error!r}"
        return
    yield from _score_differences(stored, computed)


def _score_differences(stored: Scores, computed: Scores) -> Iterator[str]:
    theirs = {node.code: node for node in stored.nodes()}
    ours = {node.code: node for node in computed.nodes()}
    for code in sorted(theirs.keys() ^ ours.keys()):
        yield f"{contents.SCORES}: {code} stands only in {'it' if code in theirs else 'the method'}"
    for code, node in ours.items():
        if code in theirs:
            yield from _field_differences(code, theirs[code], node)
    beside = ("agreement", "with_proposals", "former_evidence", "late_entries", "self_reports")
    for name in beside:
        if getattr(stored, name) != getattr(computed, name):
            yield f"{contents.SCORES}: {name} is not what it is when computed again"
    if list(theirs) != list(ours):
        yield f"{contents.SCORES}: its nodes are in another order"


def _field_differences(code: str, stored: Node, computed: Node) -> Iterator[str]:
    inner = {"elements", "indicators"}
    theirs = stored.model_dump(mode="json", exclude=inner)
    ours = computed.model_dump(mode="json", exclude=inner)
    for name in ours:
        if theirs.get(name) != ours[name]:
            yield (
                f"{contents.SCORES}: {name} of {code} is {json.dumps(theirs.get(name))}, "
                f"recomputed it is {json.dumps(ours[name])}"
            )


def _read_parameters(files: Mapping[str, bytes]) -> Parameters:
    try:
        found = Parameters.model_validate_json(files[contents.PARAMETERS])
    except (KeyError, ValidationError) as error:
        raise _unreadable(contents.PARAMETERS, error) from None
    if found.format != contents.FORMAT:
        raise BundleError(
            [f"{contents.PARAMETERS}: format {found.format}; this emall reads {contents.FORMAT}"]
        )
    if not 100 <= found.draws <= 100_000 or found.seed < 0:
        raise BundleError([f"{contents.PARAMETERS}: seed or draws are out of bounds"])
    return found


def _read_method(files: Mapping[str, bytes]) -> TreeMethod:
    try:
        method = METHOD.validate_json(files[contents.METHOD])
    except (KeyError, ValidationError) as error:
        raise _unreadable(contents.METHOD, error) from None
    if not isinstance(method, CollaborationMethod | CompositeMethod):
        raise BundleError([f"{contents.METHOD}: is no method of a tree of indicators"])
    return method


def _read_facts(files: Mapping[str, bytes], period: int) -> Facts:
    try:
        facts = Facts.of(period, ITEMS.validate_json(files[contents.EVIDENCE]))
        facts.check_records()
    except (KeyError, ValidationError, ValueError) as error:
        raise _unreadable(contents.EVIDENCE, error) from None
    return facts


def _read_scores(files: Mapping[str, bytes]) -> Scores:
    try:
        return Scores.model_validate_json(files[contents.SCORES])
    except (KeyError, ValidationError) as error:
        raise _unreadable(contents.SCORES, error) from None


def _unreadable(name: str, error: Exception) -> BundleError:
    reason = "is missing"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"cannot be read: {place} {first['msg']}".replace("  ", " ")
    elif not isinstance(error, KeyError):
        reason = f"cannot be read: {error}"
    return BundleError([f"{name}: {reason}"])
