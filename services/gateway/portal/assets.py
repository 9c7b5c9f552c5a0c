"""The pages' style and icon: fetched once, for a phone's line is slow and paid by the byte."""

import hashlib
import os
from functools import cache
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
FOR_A_YEAR = "public, max-age=31536000, immutable"


@cache
def asset(name: str) -> str:
    """The address of a file; new content has a new one, so a browser may keep the old."""
    digest = hashlib.blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"/static/{name}?v={digest}"


class Assets(StaticFiles):
    """Serves the files; what is asked for by its content's address never needs asking again."""

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
        if f"/static/{Path(full_path).name}?{scope['query_string'].decode('latin-1')}" == asset(
            Path(full_path).name
        ):
            response.headers["Cache-Control"] = FOR_A_YEAR
        return response
