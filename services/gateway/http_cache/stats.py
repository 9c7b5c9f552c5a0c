"""What the cache did, counted since the process started."""

from pydantic import Field
from pydantic.dataclasses import dataclass


@dataclass
class Counts:
    """Answers of this process since it started, by how they came about."""

    fresh: int = Field(default=0, description="Kept, and not yet old.")
    fast: int = Field(
        default=0, description="Of the fresh ones, those that the server's protocol sent by itself."
    )
    stale: int = Field(default=0, description="Kept and old, while it was asked for anew.")
    shared: int = Field(default=0, description="Answered by a request of somebody else under way.")
    asked: int = Field(default=0, description="Asked of the owner: not kept, or to be asked again.")
    failed_over: int = Field(default=0, description="Kept, in place of an error of the owner.")
    passed_by: int = Field(default=0, description="Nothing that a cache may answer.")
