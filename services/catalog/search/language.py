"""Words of a text as search compares them: spelling, roots, words without meaning.

Pure functions over the word lists in `words/`. The same functions read the services and the
questions, so what they conflate is conflated on both sides.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

WORDS = Path(__file__).with_name("words")

_WORD = re.compile(r"[^\W_]+")
_VOWELS = "aeiou"


@cache
def read_words(name: str) -> Any:
    """Return the content of a word list."""
    text = WORDS.joinpath(f"{name}.yaml").read_text("utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)


def split_words(text: str) -> list[str]:
    """Return the words of a text in order, in lower case and without diacritics.

    Letters that differ only in form (NFKD) count as the same, as do letters with and without
    diacritics.
    """
    if text.isascii():
        return _WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(sign for sign in folded if not unicodedata.combining(sign)))


class Phrases:
    """Replaces sequences of words by others, the longest first."""

    def __init__(self, replacements: Mapping[tuple[str, ...], tuple[str, ...]]) -> None:
        self._replacements = dict(replacements)
        self._longest = max(map(len, self._replacements), default=0)
        self._first_words = {words[0] for words in self._replacements}

    def __contains__(self, word: str) -> bool:
        return word in self._first_words

    def as_texts(self) -> Mapping[str, str]:
        """Return each sequence with its replacement, as texts."""
        return {" ".join(one): " ".join(other) for one, other in self._replacements.items()}

    def replace(self, words: Sequence[str]) -> list[str]:
        """Return the words with every sequence that is known replaced."""
        if self._first_words.isdisjoint(words):
            return list(words)
        result: list[str] = []
        at = 0
        while at < len(words):
            if words[at] in self._first_words:
                for length in range(min(self._longest, len(words) - at), 0, -1):
                    found = self._replacements.get(tuple(words[at : at + length]))
                    if found is not None:
                        result.extend(found)
                        at += length
                        break
                else:
                    result.append(words[at])
                    at += 1
            else:
                result.append(words[at])
                at += 1
        return result


def _read_spellings() -> Phrases:
    replacements: dict[tuple[str, ...], tuple[str, ...]] = {}
    for standard, *variants in read_words("spelling"):
        for variant in variants:
            key = tuple(split_words(variant))
            if key in replacements:
                raise ValueError(f"spelling.yaml has {variant!r} twice")
            replacements[key] = tuple(split_words(standard))
    return Phrases(replacements)


def _words_of(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in split_words(text))


SPELLINGS = _read_spellings()
SPELLING_WORDS = frozenset(
    words[0]
    for spellings in read_words("spelling")
    for words in map(split_words, spellings)
    if len(words) == 1
)
"""The standard spellings and their variants, as far as they are single words."""
SPELLING_VARIANTS = SPELLINGS.as_texts()
"""Each other spelling, as a text, with the standard one."""
_STOP_WORD_FILE: dict[str, dict[str, str]] = read_words("stop-words")
IGNORED = _words_of(*_STOP_WORD_FILE["ignored"].values())
"""Words that say nothing of what is asked for."""
WEAK = _words_of(*_STOP_WORD_FILE["weak"].values())
"""Words that count a little: a part of a service, circumstances."""
KNOWN = _words_of(*read_words("known-words"))
"""Common words that are no typing errors of others."""
_ROOTS: dict[str, frozenset[str]] = {
    name: _words_of(text) for name, text in read_words("roots").items()
}
_WHOLE = _ROOTS["whole"]
_KNOWN_ROOTS = frozenset[str]().union(*_ROOTS.values())
_PREFIXES = ("me", "di", "pe", "ke", "ber", "ter", "bek")

AFFIXES = tuple(
    (prefix, instead, suffix)
    for suffix in ("", "nya", "lah", "kan", "kannya", "an", "annya", "i", "ku", "mu")
    for prefix, instead in (
        *(("mem", "p"), ("men", "t"), ("meny", "s"), ("meng", "k")),
        *(("pem", "p"), ("pen", "t"), ("peny", "s"), ("peng", "k")),
        *((prefix, "") for prefix in ("mem", "men", "meng", "menge", "me")),
        *((prefix, "") for prefix in ("pem", "pen", "peng", "per", "pe")),
        *((prefix, "") for prefix in ("memper", "diper", "ber", "ter", "ke", "di", "nge", "")),
        *(("ng", "k"), ("ny", "s"), ("ng", "")),
    )
    if prefix or suffix
)
"""What forms of a word begin with, what the word has instead, and what they end with.

They lead from a form to words that may be its root, for devices that know which words are roots but
not the rules of `root_of`, which decide between readings.
"""


def standard_words(text: str) -> list[str]:
    """Return the words of a text in their standard spelling."""
    return SPELLINGS.replace(split_words(text))


@lru_cache(maxsize=100_000)
def root_of(word: str) -> str:
    """Return the root of an Indonesian word: without particles, suffixes and prefixes.

    Affixes are removed by their letters, with lists of roots where these leave two readings
    (`mengirim` is `kirim`, `mengurus` is `urus`). The result is a key for comparison and not always
    a word. Short words and words of `roots.yaml` stay as they are.
    """
    if len(word) <= 4 or word in _WHOLE or not (word.isascii() and word.isalpha()):
        return word
    bare = _with_prefix(_without_particle(word))
    if not bare.startswith(_PREFIXES):
        return _without_suffix(bare)
    whole = _without_prefixes(bare)
    if whole in _KNOWN_ROOTS:
        return whole  # `menyimpan`: the root itself ends like a suffix
    return _without_prefixes(_without_suffix(bare), has_suffix=True)


def _with_prefix(word: str) -> str:
    """Return a colloquial verb without me- in its full form: `ngalir`, `nyewa`, `ngelapor`."""
    if word.startswith("nge") and len(word) >= 7 and word[3] not in _VOWELS:
        return word[3:]
    return f"me{word}" if word.startswith(("ng", "ny")) and word[2] in _VOWELS else word


def _without_prefixes(word: str, *, has_suffix: bool = False) -> str:
    if has_suffix and word.startswith("ke") and len(word) >= 5 and word not in _WHOLE:
        word = word[2:]
    for _ in range(3):
        shorter = _without_prefix(word)
        if shorter == word:
            break
        word = shorter
    return word


def _without_particle(word: str) -> str:
    for particle in ("lah", "nya"):
        if word.endswith(particle) and len(word) - 3 >= 4:
            return word[:-3]
    if word.endswith("kku") and len(word) >= 6:
        return word[:-2]
    return word


def _without_suffix(word: str) -> str:
    if word in _WHOLE:
        return word
    if word.endswith("kan") and len(word) >= 7:
        # `pendidikan` is `pe-didik-an`, `mendirikan` is `me-diri-kan`.
        return word[:-2] if word.startswith(("pe", "ke")) else word[:-3]
    if word.endswith("an") and len(word) >= 6:
        return word[:-2]
    if word.endswith("i") and len(word) >= 6 and word.startswith(("me", "di")):
        return word[:-1]
    return word


def _without_prefix(word: str) -> str:
    if word in _WHOLE or len(word) < 5:
        return word
    if word.startswith(("me", "pe")):
        return _without_nasal_prefix(word)
    for prefix in ("ber", "ter", "di"):
        if word.startswith(prefix) and len(word) - len(prefix) >= 4:
            return word[len(prefix) :]
    if word.startswith("bek") and word[2:] in _ROOTS["k"]:
        return word[2:]
    return word


def _without_nasal_prefix(word: str) -> str:  # noqa: PLR0911 - one return for each form
    """Remove me- or pe- in all forms: me-, mem-, men-, meng-, meny-, menge-, per-."""
    rest = word[2:]
    if rest.startswith("ng"):
        stem = rest[2:]
        if stem[:1] in _VOWELS and _begins_with(f"k{stem}", _ROOTS["k"]):
            return f"k{stem}"
        if stem.startswith("e") and len(stem) == 4:
            return stem[1:]  # `mengecek`
        return _if_long(stem, word)
    if rest.startswith("ny") and rest[2:3] in _VOWELS:
        return f"s{rest[2:]}" if not rest.startswith("nyata") else rest
    if rest.startswith("m"):
        return _after_nasal(word, rest, "p", _ROOTS["m"])
    if rest.startswith("n"):
        return _after_nasal(word, rest, "t", _ROOTS["n"])
    if rest.startswith("r") and len(rest) >= 5:
        # `perizinan` is `per-izin-an`, `perawat` is `pe-rawat`.
        if _begins_with(rest, _ROOTS["r"]):
            return rest
        return rest[1:]
    if rest[:1] in "lrwybcdfghjkpstvz" and word.startswith("pe"):
        return _if_long(rest, word)
    if rest[:1] in "lrwy":
        return _if_long(rest, word)
    return word


def _after_nasal(word: str, rest: str, lost: str, roots: frozenset[str]) -> str:
    """Return the root after mem-, pem-, men- or pen-, whose first letter may be lost."""
    if rest[1:2] in _VOWELS:
        return rest if _begins_with(rest, roots) else f"{lost}{rest[1:]}"
    return _if_long(rest[1:], word)


def _if_long(stem: str, word: str) -> str:
    return stem if len(stem) >= 3 else word


def _begins_with(stem: str, roots: Iterable[str]) -> bool:
    return any(stem.startswith(root) for root in roots)


def english_forms(word: str) -> Iterator[str]:
    """Yield simpler forms of an English word: without -s, -ed, -ing."""
    if len(word) < 5 or not word.isascii():
        return
    if word.endswith("ies"):
        yield f"{word[:-3]}y"
    if word.endswith("s") and not word.endswith("ss"):
        yield word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending):
            yield word[: -len(ending)]
            yield f"{word[: -len(ending)]}e"


_WEAK_ROOTS = frozenset(map(root_of, WEAK))


def is_weak(word: str) -> bool:
    """Return whether a word counts only a little, in whatever form."""
    return root_of(word) in _WEAK_ROOTS
