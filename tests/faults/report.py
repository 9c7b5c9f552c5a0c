"""The results as a table in Markdown."""

from collections import Counter
from collections.abc import Sequence

from tests.faults.run import Result

HEAD = """\
| case | accepted | lost | doubled | errors seen | slowest read | recovery |
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
        str(sum(result.ledger.accepted for result in results)),
        str(sum(result.lost for result in results)),
        str(sum(result.doubled for result in results)),
        said,
        f"{max(result.ledger.slowest['read'] for result in results):.1f} s",
        recovery or f"{seconds[0]:.1f} s",
    )
    return f"| {' | '.join(cells)} |"


def details(result: Result) -> list[str]:
    """Return lines about what was lost or doubled (at most 20) and about each kind of error."""
    lines = [f"lost: {item.kind} {item.key}" for item in result.difference.lost]
    lines += [f"doubled: {item.kind} {item.key}" for item in result.difference.doubled]
    errors = result.ledger.errors.most_common()
    slowest = ", ".join(f"{sent} {time:.1f} s" for sent, time in result.ledger.slowest.items())
    return [
        *lines[:20],
        *result.faults,
        *(f"{number} x {error}: {sent}" for (error, sent), number in errors),
        f"slowest answers: {slowest}",
        f"delivered {result.drained:.1f} s after the load, {result.redelivered} webhooks again",
        f"{result.log_lines} log lines of one process at most",
    ]
