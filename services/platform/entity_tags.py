"""Entity tags (RFC 9110, 8.8.3): made from content, compared with conditional header fields."""

import hashlib


def entity_tag(content: bytes, *, weak: bool = False) -> str:
    """Return a tag that differs whenever the content differs (128 bits of BLAKE2b)."""
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return f'W/"{digest}"' if weak else f'"{digest}"'


def tag_matches(field: str, tag: str) -> bool:
    """Return whether an `If-Match` or `If-None-Match` field lists this tag (weak comparison)."""
    if field.strip() == "*":
        return True
    return tag.removeprefix("W/") in {part.strip().removeprefix("W/") for part in field.split(",")}
