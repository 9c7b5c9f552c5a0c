"""What the templates of forms need besides the fields: choices, units, what is open."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.catalog.fields import (
    ChoiceField,
    DurationField,
    Field,
    MapField,
    PartField,
    PickField,
    PicksField,
    RecordForm,
    RowsField,
    Section,
    Tables,
    TicksField,
)
from services.gateway.portal.workspace.catalog.values import UNITS, WORKING_UNITS, Values


def form_context(
    workspace: Workspace,
    form: RecordForm,
    *,
    values: Values,
    tables: Tables,
    errors: Mapping[str, str],
    action: str,
) -> dict[str, Any]:
    """Return what `record-form.html` needs."""
    messages = workspace.page.messages
    added = workspace.fields.get("tambah", "")
    noted = {*errors, *([added] if added else [])}

    def options(field: ChoiceField | TicksField, path: str = "") -> list[tuple[str, str]]:
        """Return what can be chosen; of boxes those that are ticked first, in their order."""
        named = messages.labels(field.options) if field.options else tables[field.table or ""]
        start = f"{path}."
        ticked = [key.removeprefix(start) for key in values if path and key.startswith(start)]
        return [(code, named.get(code, code)) for code in dict.fromkeys([*ticked, *named])]

    def units(field: DurationField) -> list[tuple[str, str]]:
        return list(messages.labels(WORKING_UNITS if field.working_days else UNITS).items())

    def is_open(path: str) -> bool:
        return any(one == path or one.startswith(f"{path}.") for one in noted)

    def is_section_open(section: Section) -> bool:
        return any(is_open(field.name) for field in section.fields)

    return {
        "form": form,
        "values": values,
        "tables": tables,
        "errors": errors,
        "action": action,
        "say": messages.translate,
        "options": options,
        "units": units,
        "is_open": is_open,
        "is_section_open": is_section_open,
        "lists_of": sorted(_picked(form.fields)),
    }


def _picked(fields: Sequence[Field]) -> set[str]:
    """Return the tables from which fields pick by name."""
    found: set[str] = set()
    for field in fields:
        if isinstance(field, PickField | PicksField):
            found.add(field.table)
        elif isinstance(field, PartField | MapField | RowsField):
            found |= _picked(field.fields)
    return found
