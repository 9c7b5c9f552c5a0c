"""Ticket codes: short enough to be written down, too many to be guessed, with a check symbol."""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTWXYZ"
"""Without I, L, O, U and V, which are misread; 31 symbols, and 31 is prime, so that the check
finds every single wrong symbol and every two that changed places."""

LENGTH = 11
"""Symbols that are drawn: 31 ** 11 codes, more than 2 ** 54."""
GROUP = 4

TICKET_PATTERN = rf"^[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}$"
MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})


def new_ticket(draw: Callable[[int], int]) -> str:
    """A new code such as `7K3M-9QXT-2C8A`; `draw(n)` gives a number below n."""
    symbols = "".join(ALPHABET[draw(len(ALPHABET))] for _ in range(LENGTH))
    return _grouped(symbols + _check(symbols))


def read_ticket(written: str) -> str | None:
    """The code as somebody wrote it: in any case, with spaces or without hyphens, O for 0.

    None where it is no code or its check symbol does not fit.
    """
    symbols = "".join(written.upper().translate(MISREAD).replace("-", "").split())
    if len(symbols) != LENGTH + 1 or any(symbol not in ALPHABET for symbol in symbols):
        return None
    return _grouped(symbols) if _check(symbols[:-1]) == symbols[-1] else None


def _check(symbols: str) -> str:
    weighted = sum(place * ALPHABET.index(symbol) for place, symbol in enumerate(symbols, start=2))
    return ALPHABET[weighted % len(ALPHABET)]


def _grouped(symbols: str) -> str:
    return "-".join(symbols[start : start + GROUP] for start in range(0, len(symbols), GROUP))
