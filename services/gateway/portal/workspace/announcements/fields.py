"""The form of an announcement, and its times as people type them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from services.gateway.portal.workspace.catalog.fields import (
    PicksField,
    RecordForm,
    Section,
    TextField,
)
from services.platform.differences import Difference
from services.platform.translation import N_

TIMES = ("publish_from", "publish_until")

ANNOUNCEMENT_FORM = RecordForm([
    Section(N_("Isi"), [
        TextField(name="title", label=N_("Judul"), is_required=True),
        TextField(
            name="text",
            label=N_("Isi pengumuman"),
            hint=N_(
                "Kosongkan satu baris di antara paragraf. Baris yang diawali - menjadi daftar. "
                "Alamat web dan surel menjadi tautan."
            ),
            rows=8,
            is_required=True,
        ),
        PicksField(
            name="services",
            label=N_("Layanan yang bersangkutan"),
            hint=N_("Halaman layanan itu menampilkan pengumuman ini."),
            table="services",
        ),
    ]),
    Section(N_("Kapan tampil"), [
        TextField(
            name="publish_from",
            label=N_("Tampil mulai"),
            hint=N_("Kosong: begitu diterbitkan."),
            type="datetime-local",
        ),
        TextField(
            name="publish_until",
            label=N_("Tampil sampai"),
            hint=N_("Kosong: sampai ditarik."),
            type="datetime-local",
        ),
    ]),
    Section(N_("Dalam bahasa Inggris"), [
        TextField(name="title_en", label=N_("Judul dalam bahasa Inggris")),
        TextField(name="text_en", label=N_("Isi dalam bahasa Inggris"), rows=8),
    ]),
])  # fmt: skip


def with_local_times(content: Mapping[str, JsonValue], zone: ZoneInfo) -> dict[str, JsonValue]:
    """Return an announcement whose times are those of the regency's clocks, as a form has them."""
    return {
        name: _local(value, zone) if name in TIMES else value for name, value in content.items()
    }


def local_differences(found: Iterable[Difference], zone: ZoneInfo) -> list[Difference]:
    """Return differences whose times are those of the regency's clocks."""
    return [
        one.model_copy(
            update={
                "before": _local(one.before, zone, " "),
                "after": _local(one.after, zone, " "),
            }
        )
        if one.pointer.removeprefix("#/") in TIMES
        else one
        for one in found
    ]


def _local(value: JsonValue, zone: ZoneInfo, separator: str = "T") -> JsonValue:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    local = moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
    exactness = "seconds" if local.second else "minutes"
    return local.isoformat(separator, exactness)
