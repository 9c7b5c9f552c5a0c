"""Words of the dashboard for codes of the API."""

from collections.abc import Mapping

from services.platform.translation import N_, Message

ROLES: Mapping[str, Message] = {
    "published": N_("terbit"),
    "target": N_("target"),
    "national_minimum": N_("batas nasional"),
}
"""Kinds of values of a published index."""
