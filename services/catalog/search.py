"""Full-text search of services in Indonesian, by PostgreSQL."""

import re
from collections.abc import Iterable, Sequence

from services.catalog.records import Agency, LifeEvent, Service

MAX_WORDS = 8

# The `indonesian` configuration of PostgreSQL stems but keeps the words that every text has.
_STOP_WORDS = """
ada adalah agar akan anda apa atau bagaimana bagi bila bisa buat cara dalam dan dapat dari dengan di
dimana harus ingin ini itu jika juga kah karena ke kepada kita mana mau mengurus oleh pada pun saat
saya sebagai serta tentang tersebut untuk urus yang
a an and at for how i in of on or the to want
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def query_words(text: str) -> list[str]:
    """Return the distinct words of a query that discriminate between services, in order."""
    found = [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in STOP_WORDS]
    return list(dict.fromkeys(found))[:MAX_WORDS]


def common_name_key(name: str) -> str:
    """Normalise a name for comparison: only its words, in lower case (`KTP-el` is `ktp el`)."""
    return " ".join(re.findall(r"[^\W_]+", name.lower()))


def any_word(words: Sequence[str]) -> str:
    """Return a tsquery that matches at least one word, also as a prefix."""
    return " | ".join(f"'{word}':*" for word in words)


def all_words(words: Sequence[str]) -> str:
    """Return a tsquery that matches all words."""
    return " & ".join(f"'{word}':*" for word in words)


def all_in_names(words: Sequence[str]) -> str:
    """Return a tsquery that matches all words in the names (weight A)."""
    return " & ".join(f"'{word}':*A" for word in words)


def search_texts(
    service: Service, *, agency: Agency, life_events: Sequence[LifeEvent]
) -> dict[str, str]:
    """Return the texts that a service is found by, as parameters of the query INDEX."""
    components = (text for part in service.components.values() for text in (part.text, *part.items))
    texts: dict[str, Iterable[str]] = {
        "called": (service.name, service.slug, *service.common_names),
        "called_plainly": (service.name_en, *service.common_names),
        "summary": (service.summary,),
        "around": (agency.name, agency.short_name, *(event.name for event in life_events)),
        "in_english": (
            service.summary_en,
            agency.name_en,
            *(event.name_en for event in life_events),
        ),
        "standard": components,
    }
    return {name: "\n".join(parts) for name, parts in texts.items()}
