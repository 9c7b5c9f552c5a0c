"""The table of holidays, written from the package `holidays`: `make holidays`."""

import json

from holidays import country_holidays

from services.platform.working_days import HOLIDAYS

YEARS = range(2000, 2101)
"""The package estimates the lunar calendars up to 2077, and knows nothing after 2100."""


def table() -> str:
    """Return the table: month and day of each holiday, a year on each line."""
    lines: list[str] = []
    for year in YEARS:
        days = country_holidays("ID", years=year, categories=("public", "government"))
        lines.append(f'"{year}": {json.dumps(sorted(f"{day:%m-%d}" for day in days))}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    HOLIDAYS.write_text(table())
