"""What the cache did, counted since the process started."""

from dataclasses import dataclass


@dataclass
class Counts:
    """Answers by how they came about."""

    fresh: int = 0
    fast: int = 0
    """Fresh ones that the server's protocol sent by itself; counted among `fresh` too."""
    stale: int = 0
    shared: int = 0
    """Answered by a request of somebody else that was under way."""
    asked: int = 0
    """Passed on to the owner: nothing was kept, or it had to be asked again."""
    failed_over: int = 0
    """Kept answers that stood in for an error of the owner."""
    passed_by: int = 0
    """Requests that the cache left alone."""
