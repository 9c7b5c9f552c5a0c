"""`emall doctor`: the settings in force, and a check of databases and services."""

import typer

from services.cli.console import echo_err, run_async, summarise
from services.platform.settings import Service, Settings, load_settings
from services.platform.version import VERSION, git_commit


def doctor() -> None:
    """Print the settings (secrets masked), check databases and services, list every error."""
    settings = load_settings()
    for name, value in settings:
        typer.echo(f"EMALL_{name.upper()}={value if value is not None else ''}")
    errors = run_async(_check(settings))
    for error in errors:
        echo_err(f"Error: {error}.")
    if errors:
        raise typer.Exit(1)
    echo_err(f"emall {VERSION} ({git_commit()}): no errors.")


async def _check(settings: Settings) -> list[str]:
    """Return a message for each missing key, schema or role and each unreachable part."""
    from sqlalchemy import text

    from services.platform.database import Database

    errors: list[str] = []
    if not settings.private_key_file.exists():
        errors.append(f"{settings.private_key_file} is missing; run `emall keys init`")
    for service in Service:
        database = Database(settings, service)
        try:
            async with database.read_session() as session:
                tables = await session.scalar(
                    text("SELECT count(*) FROM pg_tables WHERE schemaname = :schema"),
                    {"schema": service.value},
                )
                if not tables:
                    errors.append(f"the schema {service.value} is missing; run `emall migrate`")
            if tables and service is Service.gateway and settings.private_key_file.exists():
                errors += await _refused_items(settings)
        except Exception as error:
            reason = summarise(error)
            if reason.startswith("role ") and reason.endswith(" does not exist"):
                errors.append(f"the role of {service.value} is missing; run `emall migrate`")
            else:
                errors.append(f"{service.value}: the database is unavailable: {reason}")
        finally:
            await database.close()
        url = settings.service_url(service)
        if url is not None and not await _is_ready(url):
            errors.append(f"{service.value}: {url} is not ready")
    return errors


async def _refused_items(settings: Settings) -> list[str]:
    """Return a message for each job with items that their receiver refused."""
    from services.cli.jobs import read_refused

    return [
        f"{job}: items that were refused: {len(items)}, the first because "
        f"{items[0].reason.rstrip('.')!r}; see `emall jobs`, mend the cause, then run "
        f"`emall jobs retry {job}`, or `emall jobs discard {job}`"
        for job, items in (await read_refused(settings)).items()
        if items
    ]


async def _is_ready(url: str) -> bool:
    import httpx

    async with httpx.AsyncClient(base_url=url, timeout=5) as client:
        try:
            return (await client.get("/health/ready")).is_success
        except httpx.HTTPError:
            return False
