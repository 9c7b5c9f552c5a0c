"""Why the catalogue refused what a form sent, at the fields that are to be corrected."""

from collections.abc import Sequence

import httpx
from pydantic import Field

from services.catalog.client import Difference
from services.gateway.portal.workspace.access import NOT_STORED, Workspace
from services.gateway.portal.workspace.catalog.differences import ShownDifference, describe
from services.gateway.portal.workspace.catalog.fields import RecordForm, Tables
from services.gateway.portal.workspace.catalog.reading import Read
from services.gateway.portal.workspace.catalog.values import Values, id_of_pointer, ids_of
from services.platform.problems import FieldError, Problem
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

SAVE = "simpan"
"""The id of the button, where the errors of no field are."""

WITHDRAW = "tarik"
"""The id of the form that withdraws a record."""
PUBLISHED_VERSION = "versi-terbit"
"""Its field with the entity tag of what is published, on pages that have that of a draft too."""

CHANGED = N_(
    "Orang lain menyimpan catatan ini sesudah Anda membukanya. Isian Anda masih di sini; yang "
    "diubah orang lain tertulis di atas. Ambil yang perlu, lalu simpan lagi."
)
NOT_ALLOWED = N_("Catatan ini milik instansi lain, atau dijaga instansi pengampu.")
CHANGED_BEFORE_WITHDRAWAL = N_(
    "Orang lain menyimpan catatan ini sesudah Anda membukanya. Baca yang terbaru, lalu tarik lagi."
)
STILL_NEEDED = N_(
    "Belum ditarik: layanan atau catatan lain masih merujuk kepadanya. Ubah atau tarik itu dulu."
)
NO_LETTERS = N_("Tulis namanya dengan huruf Latin.")
TAKEN = N_("Sudah ada yang bernama itu. Tulis nama yang membedakannya.")
ABSENT = N_("Tidak ada lagi di katalog. Pilih yang lain.")


class ChangedMeanwhile(Problem):
    """The problem document of a record that has changed since it was read."""

    differences: list[Difference] = Field(default_factory=list[Difference])


def own_errors(workspace: Workspace, read: Read) -> dict[str, str]:
    """Return what the form itself finds wrong."""
    messages = workspace.page.messages
    return {
        path: messages.translate(message, field=messages.translate(label))
        for path, (message, label) in read.errors.items()
    }


def refused_fields(
    workspace: Workspace,
    error: httpx.HTTPError,
    *,
    form: RecordForm,
    values: Values,
    is_new: bool = False,
) -> tuple[int, dict[str, str]]:
    """Return the status of the page, and what is wrong by field."""
    told = workspace.page.messages.translate
    if not isinstance(error, RequestRejectedError):
        return 503, {SAVE: told(NOT_STORED)}
    if error.status == 412:
        return 412, {SAVE: told(TAKEN if is_new else CHANGED)}
    if error.status in {401, 403}:
        return 403, {SAVE: told(NOT_ALLOWED)}
    found = named_errors(workspace, error.problem.errors, form=form, values=values)
    return 422, found or {SAVE: error.problem.detail or told(NOT_STORED)}


def withdrawal_refused(status: int) -> Message:
    """Return why a record was not withdrawn, by the status of the answer."""
    if status in {401, 403}:
        return NOT_ALLOWED
    if status == 409:
        return STILL_NEEDED
    return CHANGED_BEFORE_WITHDRAWAL if status == 412 else NOT_STORED


def named_errors(
    workspace: Workspace, errors: Sequence[FieldError], *, form: RecordForm, values: Values
) -> dict[str, str]:
    """Return errors of the catalogue by the fields of the form."""
    ids = set(ids_of(form.fields, values))
    found: dict[str, str] = {}
    for each in errors:
        path = id_of_pointer(each.pointer or "", ids) or SAVE
        label = _label(workspace, form, path)
        detail = _detail(workspace, each.in_language(workspace.page.language).detail)
        found.setdefault(path, f"{label}: {detail}" if label else detail)
    return found


def named_reasons(workspace: Workspace, errors: Sequence[FieldError], form: RecordForm) -> str:
    """Return what the catalogue refuses of a stored draft, each by the place in its form."""
    reasons: list[str] = []
    for each in errors:
        path = (each.pointer or "").removeprefix("#/").replace("/", ".")
        label = _label(workspace, form, path) if path else ""
        detail = _detail(workspace, each.in_language(workspace.page.language).detail)
        reasons.append(f"{label}: {detail}" if label else detail)
    return "; ".join(dict.fromkeys(reasons))


def changed_by_others(
    workspace: Workspace, error: httpx.HTTPError, form: RecordForm, tables: Tables
) -> list[ShownDifference]:
    """Return what others changed since the form was opened, of a refusal for that."""
    if not isinstance(error, RequestRejectedError) or error.status not in {409, 412}:
        return []
    problem = error.problem_as(ChangedMeanwhile)
    return describe(problem.differences, form, tables, workspace.page.messages)


def _detail(workspace: Workspace, detail: str) -> str:
    messages = workspace.page.messages
    if detail.startswith(("there is no ", "tidak ada ")):
        return messages.translate(ABSENT)
    return detail


def _label(workspace: Workspace, form: RecordForm, path: str) -> str:
    """Return where an error is, in the words of the form."""
    if path == SAVE:
        return ""
    pointer = "#/" + path.replace(".", "/")
    wrong = Difference(pointer=pointer, before=False, after=True)
    shown = describe([wrong], form, {}, workspace.page.messages)
    return shown[0].place if shown else ""
