"""Counters of the cache since the process started."""

from pydantic import Field
from pydantic.dataclasses import dataclass


@dataclass
class CacheCounts:
    """Responses of this process since it started, by how the cache handled them."""

    fresh: int = Field(default=0, description="Served from the cache while fresh.")
    fast_path: int = Field(default=0, description="Of the fresh ones, those sent by the fast path.")
    stale: int = Field(default=0, description="Served stale while refreshed in the background.")
    coalesced: int = Field(
        default=0, description="Served by a concurrent request for the same resource."
    )
    forwarded: int = Field(default=0, description="Forwarded: not stored, or to be revalidated.")
    revalidated: int = Field(
        default=0, description="Of the forwarded ones, those that were found unchanged (304)."
    )
    stale_if_error: int = Field(default=0, description="Served stale in place of an error.")
    bypassed: int = Field(default=0, description="Not cacheable.")
