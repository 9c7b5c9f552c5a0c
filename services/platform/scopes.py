"""The scopes of API keys."""

from typing import Literal, get_args

Scope = Literal[
    "usage:write",
    "surveys:collect",
    "comments:read",
    "comments:write",
    "catalog:write",
    "catalog:approve",
    "announcements:write",
    "announcements:publish",
    "evidence:write",
    "evidence:confirm",
    "metrics:draft",
    "admin",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
