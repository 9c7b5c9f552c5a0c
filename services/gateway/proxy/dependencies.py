"""Dependencies of the proxy: key cache, rate limits, usage metering and the audit log."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.gateway.api_keys.key_cache import KeyCache
from services.gateway.api_keys.metering import UsageMeter
from services.gateway.audit.log import AuditLog
from services.gateway.audit.refused_writes import RefusedWrites
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.limiter import Limiter
from services.gateway.rate_limits.shared_buckets import SharedBuckets
from services.platform.database import Database
from services.platform.derived_keys import derived_key
from services.platform.local_time import LocalTime
from services.platform.settings import Settings


@dataclass(frozen=True)
class ProxyDependencies:
    """The proxy's dependencies; `app.py` declares the jobs that they need."""

    keys: KeyCache
    limiter: Limiter
    meter: UsageMeter
    audit: AuditLog
    refused_writes: RefusedWrites
    admission: Admission


def create_proxy_dependencies(
    settings: Settings, database: Database, local_time: LocalTime, key: Ed25519PrivateKey
) -> ProxyDependencies:
    """Create the dependencies for these settings."""
    region = settings.region
    limiter = Limiter(SharedBuckets(database, region))
    meter = UsageMeter(database, region, local_time)
    admission = Admission(settings, limiter, meter, key=derived_key(key, b"emall addresses"))
    audit = AuditLog(database, region)
    return ProxyDependencies(
        KeyCache(database, region), limiter, meter, audit, RefusedWrites(audit), admission
    )
