"""The forms of links, incidents and maintenance."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import JsonValue, ValidationError

from services.gateway.portal.workspace.catalog.fields import (
    ChoiceField,
    RecordForm,
    Section,
    TextField,
    TickField,
)
from services.gateway.portal.workspace.catalog.service_fields import SOURCES, both
from services.platform.languages import Language
from services.platform.problems import FieldError, json_pointer
from services.platform.translation import N_
from services.platform.validation_messages import validation_message

LINK_FORM = RecordForm([
    Section(N_("Portal"), [
        *both("title", N_("Nama portal"), rows=1, is_required=True),
        TextField(name="url", label=N_("Alamat di web"), type="url", is_required=True),
        ChoiceField(
            name="kind",
            label=N_("Jenis"),
            options={
                "portal": N_("Portal"),
                "application": N_("Aplikasi"),
                "information": N_("Informasi"),
                "complaint": N_("Pengaduan"),
            },
            is_required=True,
        ),
        TextField(name="operator", label=N_("Pengelola"), is_required=True),
        *both("description", N_("Keterangan singkat"), is_required=True),
        TextField(
            name="expected_text",
            label=N_("Kata yang selalu ada di halamannya"),
            hint=N_("Misalnya namanya. Halaman tanpa kata ini ditandai perlu perhatian."),
        ),
        TickField(name="e_mall", label=N_("Bagian dari e-Mall ini")),
        TickField(name="national", label=N_("Dikelola lembaga nasional")),
        TextField(name="note", label=N_("Catatan"), rows=2),
        SOURCES,
    ]),
])  # fmt: skip

INCIDENT_FORM = RecordForm([
    Section(N_("Gangguan"), [
        *both("title", N_("Apa yang terganggu"), rows=1, is_required=True),
        *both("text", N_("Yang sudah diketahui"), rows=3),
    ]),
])  # fmt: skip

UPDATE_FORM = RecordForm([
    Section(N_("Kabar"), [
        TextField(name="text", label=N_("Kabar terbaru"), rows=3, is_required=True),
        TextField(name="text_en", label=N_("Dalam bahasa Inggris"), rows=3),
        TickField(name="close", label=N_("Gangguan sudah selesai")),
    ]),
])  # fmt: skip

MAINTENANCE_FORM = RecordForm([
    Section(N_("Pemeliharaan"), [
        TextField(
            name="starts_at", label=N_("Mulai"), type="datetime-local", is_required=True
        ),
        TextField(
            name="ends_at", label=N_("Selesai"), type="datetime-local", is_required=True
        ),
        TextField(name="text", label=N_("Yang perlu diketahui warga"), rows=3, is_required=True),
        TextField(name="text_en", label=N_("Dalam bahasa Inggris"), rows=3),
    ]),
])  # fmt: skip


def with_zone(
    content: Mapping[str, JsonValue], names: Sequence[str], zone: ZoneInfo
) -> dict[str, JsonValue]:
    """Return a record whose local times have the zone of the regency; others stay as typed."""
    zoned = dict(content)
    for name in names:
        value = zoned.get(name)
        if isinstance(value, str):
            try:
                zoned[name] = datetime.fromisoformat(value).replace(tzinfo=zone).isoformat()
            except ValueError:
                continue
    return zoned


def validation_errors(error: ValidationError, language: Language) -> list[FieldError]:
    """Return the errors of a model at their fields."""
    return [
        FieldError(
            pointer=json_pointer(each["loc"]),
            parameter=None,
            detail=validation_message({**each}, language),
        )
        for each in error.errors()
    ]
