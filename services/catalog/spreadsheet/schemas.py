"""Response models of the import."""

from typing import TYPE_CHECKING

from pydantic import Field

from services.catalog.spreadsheet.sheets import Kind
from services.platform.api_model import ApiModel

if TYPE_CHECKING:  # clients read the models, and load nothing that plans
    from services.catalog.spreadsheet.planning import ImportPlan


class ImportedKind(ApiModel):
    """Records of a kind, by what the import did with them."""

    kind: Kind
    created: int = Field(ge=0, description="Those that are new.")
    changed: int = Field(ge=0, description="Those with a new version.")
    unchanged: int = Field(ge=0, description="Those whose rows are as stored.")


class ImportNotice(ApiModel):
    """Something in the file that was stored, but that somebody should look at."""

    pointer: str = Field(description="Sheet and cell: `#/Layanan/C7`.")
    detail: str = Field(description="What may be wrong with it.")


class CatalogImportResult(ApiModel):
    """What an import did, or with `dry_run` would do."""

    created: int = Field(ge=0, description="New records.")
    changed: int = Field(ge=0, description="Records with a new version.")
    unchanged: int = Field(ge=0, description="Records whose rows are as stored.")
    kinds: list[ImportedKind] = Field(description="The same by kind of record.")
    notices: list[ImportNotice] = Field(
        description="Services that are perhaps another one of the agency, up to 100."
    )
    dry_run: bool = Field(description="Whether nothing was stored.")


MAX_NOTICES = 100


def import_result(plan: "ImportPlan", *, dry_run: bool) -> CatalogImportResult:
    """Return the result of a plan that was stored, or could be."""
    return CatalogImportResult(
        created=sum(each.created for each in plan.counts),
        changed=sum(each.changed for each in plan.counts),
        unchanged=sum(each.unchanged for each in plan.counts),
        kinds=[
            ImportedKind(
                kind=each.kind,
                created=each.created,
                changed=each.changed,
                unchanged=each.unchanged,
            )
            for each in plan.counts
        ],
        notices=[
            ImportNotice(pointer=f"#/{each.sheet}/{each.cell}", detail=each.message)
            for each in plan.notices[:MAX_NOTICES]
        ],
        dry_run=dry_run,
    )
