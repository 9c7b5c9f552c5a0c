"""Send a spreadsheet of monthly statistics, saved as CSV. Needs only Python's standard library.

    EMALL_KEY=emk_... python3 send_csv.py statistics.csv http://127.0.0.1:8000

Requests are idempotent; a corrected figure is stored as a revision.
"""

import csv
import json
import os
import sys
import urllib.error
import urllib.request

COUNTERS = ("submitted", "in_review", "completed", "rejected", "returned")


def statistic(row: dict[str, str]) -> dict[str, object]:
    """Return a row as an entry of the request; an empty cell is a figure that is not known."""
    return {
        **{name: row[name] for name in ("agency", "service", "channel", "period")},
        "counters": {name: int(row[name]) for name in COUNTERS if row.get(name)},
    }


def main(sheet: str, hub: str) -> int:
    with open(sheet, encoding="utf-8-sig", newline="") as file:
        start = file.read(2000)
        file.seek(0)
        # Spreadsheet programs with Indonesian settings separate by semicolons.
        delimiter = ";" if start.count(";") > start.count(",") else ","
        statistics = [statistic(row) for row in csv.DictReader(file, delimiter=delimiter)]
    request = urllib.request.Request(
        f"{hub}/api/v1/usage/statistics",
        json.dumps({"statistics": statistics}).encode(),
        {"Authorization": f"Bearer {os.environ['EMALL_KEY']}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            print(answer.read().decode())
    except urllib.error.HTTPError as error:
        print(error.read().decode(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
