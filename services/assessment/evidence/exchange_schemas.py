"""Response models of the import of a workbook."""

from pydantic import Field

from services.platform.api_model import ApiModel


class ImportedCellChange(ApiModel):
    """A cell that differs from what is stored."""

    field: str = Field(description="Column, by its name in the API.")
    heading: str = Field(description="Column, by its Indonesian heading.")
    before: str | None = Field(description="What is stored, up to 300 characters; null if nothing.")
    after: str | None = Field(description="What the workbook has; null if nothing.")


class ImportedRecordChange(ApiModel):
    """A record that an import adds or corrects."""

    pointer: str = Field(description="Sheet and cell of its key: `#/Rapat/A3`.")
    kind: str = Field(description="Kind of evidence, as in its address.")
    key: str = Field(description="Key of the record.")
    is_new: bool = Field(description="Whether no record has this key yet.")
    cells: list[ImportedCellChange] = Field(
        description="What differs; of a new record all that it has."
    )


class EvidenceImportResult(ApiModel):
    """What an import did, or with `dry_run` would do; it is atomic."""

    added: int = Field(description="Number of records that are new.")
    corrected: int = Field(description="Number of records that got a further version.")
    unchanged: int = Field(description="Number of records that stayed as they were.")
    changes: list[ImportedRecordChange] = Field(description="The first 200 records that changed.")
    dry_run: bool
