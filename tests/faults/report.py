"""The results as a table in Markdown."""

from collections import Counter
from collections.abc import Sequence

from tests.faults.run import Result

HEAD = """\
| case | requests answered | accepted | lost | doubled | errors seen | recovery |
| --- | --- | --- | --- | --- | --- | --- |"""


def row(title: str, results: Sequence[Result]) -> str:
    """Return the row of a case over all of its runs."""
    errors = Counter[str]()
    for result in results:
        for (error, _), number in result.ledger.errors.items():
            errors[error] += number
    said = ", ".join(f"{number} x {error}" for error, number in errors.most_common()) or "none"
    seconds = [result.recovery for result in results]
    recovery = f"{min(seconds):.1f} to {max(seconds):.1f} s" if len(seconds) > 1 else ""
    cells = (
        title,
        str(sum(result.ledger.answered for result in results)),
        str(sum(result.ledger.accepted for result in results)),
        str(sum(result.lost for result in results)),
        str(sum(result.doubled for result in results)),
        said,
        recovery or f"{seconds[0]:.1f} s",
    )
    return f"| {' | '.join(cells)} |"


def details(result: Result) -> list[str]:
    """Return lines about what was lost or doubled (at most 20) and about each kind of error."""
    lines = [f"lost: {item.kind} {item.key}" for item in result.difference.lost]
    lines += [f"doubled: {item.kind} {item.key}" for item in result.difference.doubled]
    if result.uncounted:
        lines.append(f"{result.uncounted} events more are stored than counted by hour")
    errors = result.ledger.errors.most_common()
    lines = lines[:20] + [f"{number} x {error}: {sent}" for (error, sent), number in errors]
    return [
        *lines,
        f"drained {result.drained:.1f} s after the load, {result.redelivered} webhooks again",
    ]
