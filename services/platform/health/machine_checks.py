"""Measure the machine of a process and the hub's public address."""

import asyncio
import shutil
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from pydantic import AnyHttpUrl

from services.platform.health import rules
from services.platform.health.findings import Finding, HealthCheck, Result
from services.platform.logging import get_logger, summarise

log = get_logger(__name__)


def disk_folders(data_dir: Path, *, embedded: bool) -> list[Path]:
    """Return the folders of a hub's data: its own, and that of the embedded database."""
    return [data_dir, *([data_dir / "postgres"] if embedded else [])]


async def check_disks(folders: Iterable[Path], *, limit_percent: float) -> Result:
    """Find each file system of these folders that is too full."""
    return Result(tuple(await asyncio.to_thread(_full_disks, list(folders), limit_percent)))


def _full_disks(folders: list[Path], limit_percent: float) -> list[Finding]:
    findings: dict[int, Finding] = {}
    for folder in folders:
        place = folder.resolve()
        while not place.exists():  # before the first start
            place = place.parent
        usage = shutil.disk_usage(place)
        found = rules.judge_disk(
            usage.used, usage.free, limit_percent=limit_percent, place=str(folder)
        )
        if found is not None:
            findings.setdefault(place.stat().st_dev, found)
    return list(findings.values())


async def check_certificate(public_url: AnyHttpUrl) -> Result:
    """Connect to the hub's public address and look at its certificate.

    Only its end is judged: who signed it is the browser's matter, and a host of the hub's network
    may see another. Unknown if nothing answers there, which may be so from inside.
    """
    host, port = public_url.host or "", public_url.port or 443
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=host.strip("[]")
        )
    except (OSError, ssl.SSLError) as error:
        log.info("certificate not checked", host=host, port=port, error=summarise(error))
        return Result(unknown=frozenset({HealthCheck.certificate}))
    try:
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    expires_at = x509.load_der_x509_certificate(der or b"").not_valid_after_utc
    found = rules.judge_certificate(expires_at, now=datetime.now(UTC), host=f"{host}:{port}")
    return Result((found,) if found else ())
