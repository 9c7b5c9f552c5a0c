"""What describes a kind of evidence: its words, its model, its fields and their rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.assessment.client import Evidence
from services.gateway.people.roles import Role
from services.gateway.portal.workspace.evidence.fields import Field, Reading, TextField, Values
from services.gateway.portal.workspace.evidence.measured_fields import PeriodField
from services.platform.packs import SourceKind
from services.platform.translation import N_, Message, Translator

EVIDENCE = "/kelola/bukti"

NAME_EN = TextField(
    "nama-en",
    "name_en",
    N_("Nama dalam bahasa Inggris"),
    hint=N_("Kosongkan bila sama dengan nama di atas."),
)
PASSAGE = TextField(
    "tempat",
    "passage",
    N_("Tempatnya dalam sumber"),
    hint=N_("Halaman, pasal, tabel, atau kalimat."),
    is_long=True,
)
NOTE = TextField("catatan", "note", N_("Catatan"), is_long=True)
PERIOD = PeriodField("sejak", "valid_from", N_("Masa berlaku"))


YOUR_NOTE = N_("Catatan Anda")


@dataclass(frozen=True)
class RecordKind:
    """A kind of evidence as people know it: its words, its model and its form."""

    slug: str
    """Its name in addresses, and the first part of the keys of its records."""
    model: type[Evidence]
    name: Message
    add: Message
    """What the button says that records one."""
    fields: Sequence[Field]
    fixed: Values = field(default_factory=Values)
    """Values that every record of the kind has."""
    is_of_kind: Callable[[Evidence], bool] = lambda record: True
    """Whether a record of the model is of this kind."""
    check: Callable[[Reading, Values], None] = lambda form, values: None
    """Refuses what the fields together cannot be."""
    source_kind: SourceKind = "publication"
    may_be_renewed: bool = False
    key_of: Callable[[Values], str] | None = None
    """The key of a record, where its content says it; else it is made of the form's id."""
    set_once: frozenset[str] = frozenset()
    """Names of fields that a correction cannot change."""
    unique: frozenset[str] = frozenset()
    """Fields of the record of which the service says that another record has them."""
    prefilled: frozenset[str] = frozenset()
    """Names of fields that a link to the empty form may fill."""
    title: Callable[[Evidence, Translator], str] | None = None
    """The title of a record that has no name."""
    page_of: Callable[[Evidence], str] | None = None
    """Another page that shows the record among those that belong together."""
    recorders: tuple[Role, ...] = ("editor", "lead", "evaluator")
    """Who records it; an administrator always does."""
    note_label: Message = YOUR_NOTE
    """What the note of whoever confirms it is called."""

    @property
    def address(self) -> str:
        """The address below which its records are."""
        return f"{EVIDENCE}/{self.slug}"


def name_field(label: Message, hint: Message | None = None) -> TextField:
    """Return the field of a record's name."""
    return TextField("nama", "name", label, hint=hint, is_required=True)
