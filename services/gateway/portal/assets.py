"""Style sheets, scripts and icons, which browsers cache for a year under content addresses."""

import hashlib
import os
from functools import cache
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
IMMUTABLE_FOR_A_YEAR = "public, max-age=31536000, immutable"


@cache
def asset(name: str) -> str:
    """Return the address of a file, which changes with its content."""
    digest = hashlib.blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"/static/{name}?v={digest}"


class Assets(StaticFiles):
    """Static files; one requested by its content address is immutable for a year."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        if response.headers.get("content-type") == "image/svg+xml":
            response.headers["Content-Type"] = "image/svg+xml; charset=utf-8"
        if f"/static/{Path(full_path).name}?{scope['query_string'].decode('latin-1')}" == asset(
            Path(full_path).name
        ):
            response.headers["Cache-Control"] = IMMUTABLE_FOR_A_YEAR
        return response
