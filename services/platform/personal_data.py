"""Finds personal data in free text and masks it: numbers of persons and families, phones, e-mail.

Rules, no dictionary: an identity number (NIK, or KK of a family, of which the structure is the
same) has 16 digits, of which the first six are a district and the next six a date. Digits may be
set apart by spaces, ends of lines, dots or dashes, and may be those of any script; those of an
identity number also by slashes and the like, if by the same everywhere.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal

PersonalDataKind = Literal["identity_number", "phone", "email"]

MASKS: dict[PersonalDataKind, str] = {
    "identity_number": "[NIK/KK]",
    "phone": "[telepon]",
    "email": "[surel]",
}

IDENTITY_DIGITS = 16
PROVINCES = frozenset(
    {
        *range(11, 20), 21, *range(31, 37), *range(51, 54), *range(61, 66), *range(71, 77), 81, 82,
        *range(91, 98),
    }
)  # fmt: skip
MAX_REGENCY = 79
DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
WOMEN = 40
"""Added to a woman's day of birth."""

PHONE_RUN = re.compile(r"\d(?:[ .()_-]{0,3}\d)*")
IDENTITY_RUN = re.compile(r"\d(?:[ .()_/,:;*'|~+-]{0,5}\d)*")
IDENTITY_SEPARATOR = re.compile(r"[ .()_-]{0,5}")
"""May differ within a number; any other is the same throughout it."""
GROUP = re.compile(r"\d+")
AMOUNT = re.compile(r"(?<![\d.,])[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*(?!\d|[.,]\d)")
"""A number with separators of thousands."""
MOBILE = re.compile(r"(?:(?:00)?620?|0)8[1-9]\d{7,10}")
LANDLINE = re.compile(r"(?:00620?|0)[2-79]\d{7,10}")
INTERNATIONAL = re.compile(r"[1-9]\d{7,14}")
"""After a plus."""
CLOCK = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d")
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 8, 18
AT = re.compile(r"[@\uff20\ufe6b]|[(\[\uff08\uff3b]\s*at", re.IGNORECASE)
EMAIL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}"
    r"(?: ?@ ?| ?[(\[] ?at ?[)\]] ?)"
    r"(?:[A-Za-z0-9-]{1,63}(?:\.| ?[(\[] ?(?:dot|titik) ?[)\]] ?)){1,4}[A-Za-z]{2,24}\b",
    re.IGNORECASE,
)


LIKE = {
    **dict.fromkeys("\t\n\r", " "),
    **dict.fromkeys("·•・", "."),
    **dict.fromkeys("\u2044\u2215", "/"),
    "\u2212": "-",
    # Letters and a symbol that are blank.
    **dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800", ""),
}
"""Plain characters for those that look like them, of which their category does not tell it."""


@dataclass(frozen=True)
class PersonalData:
    """Where personal data stands in a text."""

    kind: PersonalDataKind
    start: int
    end: int


@dataclass(frozen=True)
class MaskedText:
    """A text without the personal data that was found in it."""

    text: str
    kinds: tuple[PersonalDataKind, ...]
    """What was masked, each kind once."""


def mask_personal_data(text: str) -> MaskedText:
    """Return a text with a mask in place of all personal data that is found in it."""
    pieces: list[str] = []
    end = 0
    found = find_personal_data(text)
    for each in found:
        pieces += [text[end : each.start], MASKS[each.kind]]
        end = each.end
    kinds: dict[PersonalDataKind, None] = dict.fromkeys(each.kind for each in found)
    return MaskedText("".join([*pieces, text[end:]]), tuple(kinds))


def find_personal_data(text: str) -> list[PersonalData]:
    """Return the personal data in a text, in its order and without overlaps."""
    has_email = AT.search(text) is not None
    if not has_email and sum(map(str.isdigit, text)) < MIN_PHONE_DIGITS:
        return []  # as most texts, of which exports read hundreds
    plain, places = _plain(text)
    found: list[PersonalData] = []
    if has_email:
        found = [PersonalData("email", *match.span()) for match in EMAIL.finditer(plain)]
    for run, lengths, kind_of in (
        (IDENTITY_RUN, (IDENTITY_DIGITS, IDENTITY_DIGITS), _identity_number),
        (PHONE_RUN, (MIN_PHONE_DIGITS, MAX_PHONE_DIGITS), _phone),
    ):
        taken = sorted((each.start, each.end) for each in found)
        for match in run.finditer(plain):
            found += [
                each
                for each in _numbers(plain, match.span(), lengths=lengths, kind_of=kind_of)
                if _last_before(taken, each.end)[1] <= each.start
            ]
    return [
        PersonalData(each.kind, places[each.start], places[each.end - 1] + 1)
        for each in sorted(found, key=lambda each: each.start)
    ]


def _plain(text: str) -> tuple[str, list[int]]:
    """Return a text in plain characters, one for each that is visible, and where each stands."""
    folded = [(_fold(character), place) for place, character in enumerate(text)]
    kept = [(character, place) for character, place in folded if character]
    return "".join(character for character, _ in kept), [place for _, place in kept]


@lru_cache(4096)
def _fold(character: str) -> str:
    """Return the plain character for one that looks like it; none for an invisible one."""
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if character in LIKE:
        return LIKE[character]
    match unicodedata.category(character):
        case "Cf" | "Mn" | "Me":  # also what turns a digit into a picture of it
            return ""
        case "Pd":
            return "-"
        case "Zs":
            return " "
        case _:
            folded = unicodedata.normalize("NFKC", character)
            return folded if len(folded) == 1 else character


Groups = list[tuple[int, int]]
"""Where groups of digits stand."""


def _numbers(
    plain: str,
    run: tuple[int, int],
    *,
    lengths: tuple[int, int],
    kind_of: Callable[[str, Groups, str], PersonalDataKind | None],
) -> Iterator[PersonalData]:
    """Yield the numbers of a kind in a run of digits and separators.

    They begin and end where a group of digits does, so that no part of a longer number counts. Of
    several that begin at a group, the longest counts. `lengths` are the fewest and most digits.
    """
    groups = [match.span() for match in GROUP.finditer(plain, *run)]
    amounts = [match.span() for match in AMOUNT.finditer(plain, *run)]
    digits = "".join(plain[start:end] for start, end in groups)
    # Digits before each group, and before the end.
    before = list(accumulate((end - start for start, end in groups), initial=0))
    fewest, most = lengths
    first = 0
    while first < len(groups):
        begin = groups[first][0]
        after = bisect_right(before, before[first] + most) - 1
        for last in range(after, first, -1):
            if before[last] - before[first] < fewest:
                break
            stop = groups[last - 1][1]
            if _is_amount(begin, stop, amounts):
                continue
            if kind := kind_of(plain, groups[first:last], digits[before[first] : before[last]]):
                plus = begin > 0 and plain[begin - 1] == "+"
                yield PersonalData(kind, begin - plus, stop)
                first = last - 1
                break
        first += 1


def _is_amount(start: int, end: int, amounts: list[tuple[int, int]]) -> bool:
    """Return whether a number is an amount such as 62.812.345.678, or begins within one."""
    left, right = _last_before(amounts, start + 1)
    return left < start < right or (left == start and end <= right)


def _last_before(spans: list[tuple[int, int]], place: int) -> tuple[int, int]:
    """Return the last span that begins before a place; an empty one before the text if none does.

    The spans are in their order. A text may have hundreds, and the question is asked for each.
    """
    index = bisect_left(spans, (place,))
    return spans[index - 1] if index else (-1, -1)


def _identity_number(plain: str, groups: Groups, digits: str) -> PersonalDataKind | None:
    if not _is_identity_number(digits):
        return None
    separators = {plain[left[1] : right[0]] for left, right in pairwise(groups)}
    is_even = len(separators) == 1 or all(map(IDENTITY_SEPARATOR.fullmatch, separators))
    return "identity_number" if is_even else None


def _phone(plain: str, groups: Groups, digits: str) -> PersonalDataKind | None:
    begin = groups[0][0]
    if begin > 0 and plain[begin - 1] == "+" and INTERNATIONAL.fullmatch(digits):
        return "phone"
    if not (MOBILE.fullmatch(digits) or LANDLINE.fullmatch(digits)):
        return None
    parts = [plain[start:end] for start, end in groups]
    if not _is_grouped_as_phone(plain, groups) or all(map(CLOCK.fullmatch, parts)):
        return None
    return "phone"


def _is_grouped_as_phone(plain: str, groups: Groups) -> bool:
    """Return whether digits are grouped as people write phone numbers, and not dates and times.

    The first group is a code of three digits and more, or all groups are alike.
    """
    start, end = groups[0]
    if end - start >= 3 or plain[start:end] == "62":
        return True
    separators = {plain[left[1] : right[0]] for left, right in pairwise(groups)}
    return len(separators) == 1 and len({end - start for start, end in groups[:-1]}) == 1


def _is_identity_number(digits: str) -> bool:
    """Return whether 16 digits have the structure of a NIK or of a KK."""
    province, regency, district = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    day, month, serial = int(digits[6:8]), int(digits[8:10]), int(digits[12:])
    if province not in PROVINCES or not 1 <= regency <= MAX_REGENCY or district == 0:
        return False
    if not 1 <= month <= 12 or serial == 0:
        return False
    return 1 <= (day - WOMEN if day > WOMEN else day) <= DAYS_OF_MONTH[month - 1]
