"""`emall collect`: read the hubs of many regencies, and show them beside each other."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import echo_err, run_async
from services.cli.server import DEFAULT_PROTOCOL, Host, Port, exit_on_sigterm, import_libraries
from services.platform.logging import configure_logging
from services.platform.settings import Settings, Standalone, load_settings

if TYPE_CHECKING:
    from services.collector.collecting import CollectionResult
    from services.collector.hub_list import HubList


def collect(
    file: Annotated[Path, typer.Argument(metavar="HUBS.yaml", help="List of hubs to read.")],
    once: Annotated[
        bool, typer.Option("--once", help="Read every hub once and exit; serve nothing.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, max=10_080, help="Minutes between two rounds.")] = 60,
    host: Host = None,
    port: Port = None,
) -> None:
    """Collect what the hubs of many regencies publish, and serve it at /nasional.

    Bundles are verified and computed again; what cannot be believed is named, and is not ranked.
    """
    import_libraries()
    from services.collector.hub_list import read_hub_list
    from services.collector.migration import migrate_collector
    from services.platform.packs import PackError

    exit_on_sigterm()
    settings = load_settings()
    try:
        hubs = read_hub_list(file)
    except PackError as error:
        echo_err(str(error))
        raise typer.Exit(1) from None
    configure_logging(
        level=settings.log_level,
        log_format=settings.log_format,
        service=Standalone.collector.value,
    )
    run_async(migrate_collector(settings))
    if once:
        result = run_async(_collect_once(settings, hubs, file.parent))
        echo_err(
            f"{result.answered} of {result.hubs} hubs answered; {result.accepted} assessments "
            f"accepted, {result.findings} findings."
        )
        return
    import uvicorn

    from services.collector.app import create_app

    address = f"http://{host or settings.host}:{settings.port if port is None else port}"
    echo_err(f"Collecting from {len(hubs.hubs)} hubs every {every} minutes; {address}/nasional")
    uvicorn.run(
        create_app(settings, hubs, file.parent, every=timedelta(minutes=every)),
        http=DEFAULT_PROTOCOL,
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,
    )


async def _collect_once(settings: Settings, hubs: "HubList", folder: Path) -> "CollectionResult":
    from services.collector.collecting import Collector
    from services.platform.database import Database

    database = Database(settings, Standalone.collector)
    try:
        return await Collector(database, settings, hubs, folder).collect()
    finally:
        await database.close()
