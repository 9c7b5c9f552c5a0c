"""Ticket codes: short enough to write down, infeasible to guess, with a check symbol."""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTWXYZ"
"""Without I, L, O, U and V, which are easily misread. 31 is prime, so that the check detects every
single wrong symbol and every transposition of two."""

LENGTH = 11
"""Random symbols: 31 ** 11 codes, more than 2 ** 54."""
GROUP_LENGTH = 4

TICKET_PATTERN = rf"^[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}$"
MISREAD_SYMBOLS = str.maketrans({"I": "1", "L": "1", "O": "0"})


def new_ticket(draw: Callable[[int], int]) -> str:
    """Return a new code such as `7K3M-9QXT-2C8A`; `draw(n)` returns a random number below n."""
    symbols = "".join(ALPHABET[draw(len(ALPHABET))] for _ in range(LENGTH))
    return _grouped(symbols + _check(symbols))


def parse_ticket(text: str) -> str | None:
    """Parse a code as a person writes it: in any case, with spaces or without hyphens, O for 0.

    Return None if it is not a code or its check symbol is wrong.
    """
    symbols = "".join(text.upper().translate(MISREAD_SYMBOLS).replace("-", "").split())
    if len(symbols) != LENGTH + 1 or any(symbol not in ALPHABET for symbol in symbols):
        return None
    return _grouped(symbols) if _check(symbols[:-1]) == symbols[-1] else None


def _check(symbols: str) -> str:
    weighted = sum(
        weight * ALPHABET.index(symbol) for weight, symbol in enumerate(symbols, start=2)
    )
    return ALPHABET[weighted % len(ALPHABET)]


def _grouped(symbols: str) -> str:
    return "-".join(
        symbols[start : start + GROUP_LENGTH] for start in range(0, len(symbols), GROUP_LENGTH)
    )
