"""Client of the import, for the gateway."""

from services.catalog.spreadsheet.schemas import CatalogImportResult
from services.platform.service import API
from services.platform.service_client import ServiceClient, parse
from services.platform.spreadsheets.model import media_type_of

__all__ = ["CatalogImportResult", "CatalogSpreadsheetClient"]


class CatalogSpreadsheetClient(ServiceClient):
    """Requests that change the catalogue by a filled template."""

    async def import_catalog(self, content: bytes, *, dry_run: bool) -> CatalogImportResult:
        """Store a file, or only check it."""
        response = await self._request(
            "POST",
            f"{API}/catalog/import",
            query={"dry_run": dry_run},
            headers={"Content-Type": media_type_of(content)},
            content=content,
        )
        return parse(CatalogImportResult, response)
