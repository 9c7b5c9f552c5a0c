"""Numbers and amounts of money as people in Indonesia write them in a form (pure)."""

import re
from decimal import Decimal

_GROUPED = re.compile(r"-?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?", re.ASCII)
_PLAIN = re.compile(r"-?\d{1,18}(?:[.,]\d{1,12})?", re.ASCII)
_AMOUNT = re.compile(r"(?:rp\.?\s*)?(?P<number>[\d.,]+?)(?:,-)?\s*(?P<unit>[a-z]+)?", re.ASCII)
_UNITS = {
    None: 1,
    "ribu": 10**3,
    "rb": 10**3,
    "juta": 10**6,
    "jt": 10**6,
    "million": 10**6,
    "miliar": 10**9,
    "milyar": 10**9,
    "billion": 10**9,
    "triliun": 10**12,
}


def read_number(typed: str) -> Decimal | None:
    """Return a number such as `1.234,5`, `0,51`, `0.51` or `51%`; None if it is none."""
    text = "".join(typed.split())
    share = text.endswith("%")
    text = text.removesuffix("%")
    if _GROUPED.fullmatch(text):
        number = Decimal(text.replace(".", "").replace(",", "."))
    elif _PLAIN.fullmatch(text):
        number = Decimal(text.replace(",", "."))
    else:
        return None
    return number / 100 if share else number


def read_rupiah(typed: str) -> int | None:
    """Return an amount such as `250.000.000`, `Rp 250 juta` or `1,5 miliar`; None if it is none."""
    found = _AMOUNT.fullmatch(typed.strip().lower())
    if found is None or found["unit"] not in _UNITS:
        return None
    number = read_number(found["number"])
    if number is None:
        return None
    amount = number * _UNITS[found["unit"]]
    return int(amount) if amount == amount.to_integral_value() else None


def write_number(value: float, *, scale: int = 1) -> str:
    """Return a number so that `read_number` reads the same: without groups, with a comma."""
    text = f"{Decimal(repr(value)) * scale:f}"
    text = text.rstrip("0").removesuffix(".") if "." in text else text
    return text.replace(".", ",")
