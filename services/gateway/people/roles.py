"""Roles of people, and the scopes that each one gives (pure)."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, TypeAdapter

from services.platform.api_model import ApiModel
from services.platform.scopes import Scope
from services.platform.types import Slug

AgencyRole = Literal["reporter", "editor", "approver", "responder"]
"""Roles for one agency."""
HubRole = Literal["lead", "evaluator", "administrator", "auditor"]
"""Roles for the whole hub."""
Role = Literal[
    "reporter", "editor", "approver", "responder", "lead", "evaluator", "administrator", "auditor"
]
AGENCY_ROLES: tuple[AgencyRole, ...] = get_args(AgencyRole)
ROLES: tuple[Role, ...] = get_args(Role)

SCOPES_OF: Mapping[Role, frozenset[Scope]] = {
    "reporter": frozenset({"usage:write"}),
    "editor": frozenset({"catalog:write", "announcements:write", "evidence:write"}),
    "approver": frozenset(
        {
            "usage:write",
            "comments:read",
            "catalog:approve",
            "announcements:publish",
            "evidence:confirm",
        }
    ),
    "responder": frozenset({"comments:write"}),
    "lead": frozenset(
        {
            "usage:write",
            "surveys:collect",
            "comments:write",
            "catalog:write",
            "announcements:write",
            "announcements:publish",
            "evidence:write",
            "evidence:confirm",
            "metrics:draft",
        }
    ),
    "evaluator": frozenset({"evidence:write", "metrics:draft"}),
    "administrator": frozenset({"admin"}),
    "auditor": frozenset(),
}
"""What a person with a role may do, in the scopes of API keys. An auditor reads only."""


class AgencyRoleAssignment(ApiModel):
    """A role that a person has for one agency."""

    role: AgencyRole
    agency: Slug = Field(description="Agency for which the role holds.")


class HubRoleAssignment(ApiModel):
    """A role that a person has for the whole hub."""

    role: HubRole
    agency: Slug | None = Field(
        None,
        description="Agency where the person works: what the person writes is recorded as that "
        "agency's.",
    )


RoleAssignment = Annotated[AgencyRoleAssignment | HubRoleAssignment, Field(discriminator="role")]
"""A role of a person."""

_ROLE_ASSIGNMENT: TypeAdapter[RoleAssignment] = TypeAdapter(RoleAssignment)


def role_assignment(role: str, agency: str | None) -> RoleAssignment:
    """Return a role of a person; `ValidationError` without the agency that the role needs."""
    return _ROLE_ASSIGNMENT.validate_python({"role": role, "agency": agency})


def agencies_of(roles: Iterable[RoleAssignment]) -> list[str]:
    """Return the agencies for which a person with these roles can act, in their order."""
    return list(dict.fromkeys(each.agency for each in roles if each.agency is not None))


def roles_for(roles: Iterable[RoleAssignment], agency: str | None) -> frozenset[Role]:
    """Return the roles that hold while a person acts for an agency: its own and the hub's."""
    return frozenset(
        each.role for each in roles if each.role not in AGENCY_ROLES or each.agency == agency
    )


def scopes_of(roles: Iterable[Role]) -> frozenset[Scope]:
    """Return the scopes of several roles together."""
    return frozenset(scope for role in roles for scope in SCOPES_OF[role])
