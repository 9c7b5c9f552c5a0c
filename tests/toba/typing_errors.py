"""Variants of a question with one typing error, by rule."""

import zlib
from collections.abc import Iterator

NEIGHBOURS = {
    key: row[max(0, n - 1) : n] + row[n + 1 : n + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for n, key in enumerate(row)
}
"""The keys left and right of each on a QWERTY keyboard."""

KINDS = ("left out", "doubled", "swapped", "neighbour")
SHORTEST = 4
"""Letters of the shortest word that gets an error, unless the question has only shorter ones."""


def with_one_error(question: str) -> Iterator[tuple[str, str]]:
    """Yield a variant of each kind: its kind and the question with the error.

    Word and letter are drawn by the checksum of kind and question, so that they are the same in
    each run. Words with other signs than ASCII letters stay as they are.
    """
    words = question.lower().split()
    ascii_words = [n for n, word in enumerate(words) if word.isascii() and word.isalpha()]
    long = [n for n in ascii_words if len(words[n]) >= SHORTEST] or ascii_words
    if not long:
        return
    for kind in KINDS:
        draw = zlib.crc32(f"{kind}/{question}".encode())
        n = long[draw % len(long)]
        if len(set(words[n])) > 1 or kind != "swapped":
            changed = _change(words[n], kind, draw // len(long))
            yield kind, " ".join([*words[:n], changed, *words[n + 1 :]])


def _change(word: str, kind: str, draw: int) -> str:
    if kind == "swapped":
        places = [n for n in range(len(word) - 1) if word[n] != word[n + 1]]
        n = places[draw % len(places)]
        return word[:n] + word[n + 1] + word[n] + word[n + 2 :]
    n = draw % len(word)
    if kind == "left out":
        return word[:n] + word[n + 1 :]
    if kind == "doubled":
        return word[: n + 1] + word[n:]
    around = NEIGHBOURS[word[n]]
    return word[:n] + around[draw % len(around)] + word[n + 1 :]
