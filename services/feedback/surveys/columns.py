"""Names of the columns in which responses are exported, to every format under the same ones."""

FACTS = (
    ("month", "Bulan, atau masa kelompoknya", "Month, or its bundle's period"),
    ("version", "Versi survei", "Version of the survey"),
    ("service", "Layanan", "Service"),
    ("agency", "Instansi", "Agency"),
    ("channel", "Cara layanan diurus", "How the service was used"),
    ("district", "Kecamatan", "District"),
    ("mode", "Cara menjawab", "How the survey was answered"),
)
"""What is told of a response beside its answers: name, label, English label."""

LONGEST_NAME = 64
"""Of a variable in SPSS, where capitals make no difference."""
RESERVED = frozenset(
    {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
)
"""Words of SPSS, which are no names there."""


def same_name(name: str) -> str:
    """What two names have in common that are one column."""
    return name[:LONGEST_NAME].lower()


def option_column(question: str, option: str) -> str:
    """The column that tells whether one of several options was chosen."""
    return f"{question}__{option}"[:LONGEST_NAME]


def fault_of(names: list[str]) -> str | None:
    """Why a survey's columns cannot be exported, and what would be right; None where they can."""
    taken = {name: "" for name, _, _ in FACTS}
    for name in names:
        known = same_name(name)
        if known in RESERVED or taken.get(known) == "":
            why = "a word of SPSS" if known in RESERVED else "a column of every export"
            return f"{name} is {why}; choose another code, such as {name}_1"
        if known in taken:
            return (
                f"{taken[known]} and {name} are one column of an export, which tells no capitals "
                f"apart and has names of {LONGEST_NAME} characters; choose other or shorter codes"
            )
        taken[known] = name
    return None
