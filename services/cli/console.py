"""What every command shares: messages on standard error, and one-line errors."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

Result = TypeVar("Result")


def echo_err(message: str) -> None:
    """Print a message for a person on standard error; standard output holds only the result."""
    typer.echo(message, err=True)


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine; if a database or service fails, print a line and exit with 1."""
    import httpx
    from asyncpg import PostgresError
    from sqlalchemy.exc import SQLAlchemyError

    from services.platform.installation_roles import RolesError

    try:
        return asyncio.run(work)
    except RolesError as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(1) from None
    except (SQLAlchemyError, PostgresError, OSError, TimeoutError, httpx.HTTPError) as error:
        echo_err(f"Error: {summarise(error)}. Run `emall doctor` for details.")
        raise typer.Exit(1) from None


def summarise(error: Exception) -> str:
    """Return the first line of an error, without the SQL that SQLAlchemy appends."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
