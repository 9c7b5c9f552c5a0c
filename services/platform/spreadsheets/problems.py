"""The errors of a spreadsheet as fields of a problem document."""

from services.platform.languages import Language
from services.platform.problems import FieldError
from services.platform.spreadsheets.model import SpreadsheetError

MAX_LISTED = 100


def field_errors(error: SpreadsheetError, language: Language) -> list[FieldError]:
    """Return the first 100 errors, each by its sheet and cell, as `#/Statistik/C7`."""
    return [
        FieldError(
            pointer=f"#/{issue.sheet}/{issue.cell}", parameter=None, detail=issue.text(language)
        )
        for issue in error.issues[:MAX_LISTED]
    ]
