"""What a hub sent that cannot be believed, with what was expected and what came.

Pure: a bundle is judged by what is known of its regency.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.collector.checking import CheckedBundle

FindingKind = Literal["altered", "key_changed", "replayed", "withdrawn", "wrong_region"]
"""`altered`: a bundle whose bytes or figures do not agree with themselves, or that differs from the
one known by its id. `key_changed`: a key that is not listed for the regency. `replayed`: an older
assessment where a newer one is known. `withdrawn`: a year that was published is not listed any
more. `wrong_region`: what belongs to another regency."""

Source = Literal["network", "folder"]
"""Whether a bundle came over the network or as a file."""

MAX_FAULTS_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """Something that a hub sent and that does not count."""

    kind: FindingKind
    subject: str
    """What it is about: an assessment's id, a file, a key, a year."""
    expected: str
    received: str


@dataclass(frozen=True)
class KnownBundle:
    """A bundle that was accepted before."""

    id: UUID
    period: int
    recorded_at: datetime
    source: Source
    sha256: str


@dataclass(frozen=True)
class ReceivedBundle:
    """A bundle as it arrived, before anything of it is believed."""

    source: Source
    subject: str
    """The id under which it was listed, or the name of its file."""
    wanted: UUID | None
    """The assessment that was asked for; None of a file."""
    archive: bytes
    sha256: str


def altered(received: ReceivedBundle, faults: Collection[str]) -> Finding:
    """Return the finding of a bundle that fails verification."""
    shown = list(faults)[:MAX_FAULTS_SHOWN]
    more = len(faults) - len(shown)
    return Finding(
        kind="altered",
        subject=received.subject,
        expected="a bundle whose signature holds and whose figures are those computed again",
        received="; ".join(shown) + (f"; and {more} more" if more > 0 else ""),
    )


def key_changed(fingerprint: str, listed: Collection[str]) -> Finding:
    """Return the finding of a key that is not listed."""
    return Finding("key_changed", fingerprint, ", ".join(listed), fingerprint)


def wrong_region(subject: str, expected: str, received: str) -> Finding:
    """Return the finding of something that belongs to another regency."""
    return Finding("wrong_region", subject, expected, received)


def withdrawn(
    listed: Collection[int], known: Collection[KnownBundle], *, is_complete: bool
) -> Iterator[Finding]:
    """Yield a finding for each year whose assessment was accepted and that is not listed now.

    Of an incomplete list, which begins with the newest assessments, years before its last one may
    be missing.
    """
    since = min(listed, default=0) if not is_complete else 0
    newest: dict[int, KnownBundle] = {}
    for one in sorted(known, key=lambda one: one.recorded_at):
        if one.source == "network" and one.period >= since and one.period not in listed:
            newest[one.period] = one
    for period, one in sorted(newest.items()):
        yield Finding(
            kind="withdrawn",
            subject=str(period),
            expected=f"{_described(one.id, one.recorded_at)} or a newer one",
            received=f"a list without an assessment of {period}",
        )


def judge(
    bundle: CheckedBundle,
    received: ReceivedBundle,
    *,
    code: str,
    keys: Collection[str],
    known: Mapping[UUID, KnownBundle],
) -> Finding | None:
    """Return why a bundle that verifies does not count for a regency; None if it does."""
    if bundle.region != code:
        return wrong_region(received.subject, code, bundle.region)
    if bundle.fingerprint not in keys:
        return key_changed(bundle.fingerprint, keys)
    before = known.get(bundle.id)
    if before is not None and before.sha256 != received.sha256:
        return Finding(
            kind="altered",
            subject=received.subject,
            expected=f"assessment {bundle.id} with SHA-256 {before.sha256}",
            received=f"the same assessment with SHA-256 {received.sha256}",
        )
    if received.wanted is not None and bundle.id != received.wanted:
        return Finding(
            kind="replayed",
            subject=received.subject,
            expected=f"assessment {received.wanted}",
            received=_described(bundle.id, bundle.recorded_at),
        )
    return is_older(bundle.id, bundle.recorded_at, received, bundle.period, known)


def is_older(
    id_: UUID,
    recorded_at: datetime,
    received: ReceivedBundle,
    period: int,
    known: Mapping[UUID, KnownBundle],
) -> Finding | None:
    """Return the finding of a newest assessment that is older than a known one of its year.

    Only what came by the same way is compared: a folder may well be behind the network.
    """
    of_year = [
        one for one in known.values() if one.period == period and one.source == received.source
    ]
    newest = max(of_year, key=lambda one: one.recorded_at, default=None)
    if newest is None or recorded_at >= newest.recorded_at:
        return None
    return Finding(
        kind="replayed",
        subject=received.subject,
        expected=f"{_described(newest.id, newest.recorded_at)} or a newer one",
        received=_described(id_, recorded_at),
    )


def _described(id_: UUID, recorded_at: datetime) -> str:
    return f"assessment {id_} of {recorded_at.isoformat(timespec='seconds')}"
