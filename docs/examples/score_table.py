"""Score the units of a CSV table by a published method, with Python's standard library alone.

python3 score_table.py TABLE.csv METHOD http://127.0.0.1:8000

The table has the columns `unit` and `period`, perhaps `group`, and one for each subject that the
method observes; an empty cell is unknown. Other columns are printed beside the scores.
"""

import csv
import json
import sys
import urllib.error
import urllib.request

ABOUT = ("unit", "period", "group")


def subjects_of(part: dict) -> set[str]:
    """Return the subjects that a part of the method's tree observes."""
    if "parts" in part:
        return set().union(*(subjects_of(one) for one in part["parts"]))
    return {part["measure"]["subject"]}


def send(url: str, body: dict | None = None) -> dict:
    """Return the answer of the hub; print a problem and exit if it refuses."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(error.read().decode())


def main(file: str, method: str, hub: str) -> None:
    address = f"{hub}/api/v1/methods/{method}"
    subjects = subjects_of(send(address)["definition"]["root"])
    with open(file, encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    units = [
        {
            **{name: row[name] for name in ABOUT if row.get(name)},
            "period": int(row["period"]),
            "values": {name: float(row[name]) for name in subjects if row[name]},
        }
        for row in rows
    ]
    result = send(f"{address}/calculation", {"units": units})
    beside = [name for name in rows[0] if name not in subjects and name not in ABOUT]
    write = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    codes = [node["code"] for node in result["units"][0]["nodes"]]
    write.writerow(["rank", "unit", *beside, *codes])
    ranked = sorted(
        zip(rows, result["units"], strict=True),
        key=lambda pair: (pair[1]["period"], pair[1]["rank"] or len(rows)),
    )
    for row, unit in ranked:
        values = [node["value"] for node in unit["nodes"]]
        write.writerow([unit["rank"], unit["unit"], *(row[name] for name in beside), *values])


if __name__ == "__main__":
    main(*sys.argv[1:])
