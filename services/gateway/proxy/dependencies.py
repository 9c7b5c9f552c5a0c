"""What stands at the door: the keys, the limits, the counts and the log of writes."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.gateway.api_keys.key_cache import KeyRing
from services.gateway.audit.log import AuditLog
from services.gateway.metering.metering import Consumption
from services.gateway.rate_limits.admission import Admission
from services.gateway.rate_limits.limiter import Limiter
from services.gateway.rate_limits.shared_buckets import Leases
from services.platform.database import Database
from services.platform.derived_keys import derived_key
from services.platform.settings import Settings


@dataclass(frozen=True)
class Entrance:
    """The parts, each with a task of its own that is started and stopped with the gateway."""

    ring: KeyRing
    limiter: Limiter
    consumption: Consumption
    audit: AuditLog
    admission: Admission

    @property
    def running(self) -> tuple[KeyRing | Limiter | Consumption | AuditLog, ...]:
        return (self.ring, self.limiter, self.consumption, self.audit)


def open_entrance(settings: Settings, database: Database, key: Ed25519PrivateKey) -> Entrance:
    """The entrance of a hub with these settings."""
    region = settings.region
    limiter = Limiter(Leases(database, region))
    consumption = Consumption(database, region)
    admission = Admission(settings, limiter, consumption, key=derived_key(key, b"emall addresses"))
    return Entrance(
        KeyRing(database, region), limiter, consumption, AuditLog(database, region), admission
    )
