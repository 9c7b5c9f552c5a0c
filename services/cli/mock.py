"""`emall mock`: servers that imitate external systems, for tests and demonstrations."""

from typing import Annotated

import typer

from services.cli.console import echo_err
from services.platform.logging import configure_logging


def mock(
    system: Annotated[str, typer.Argument(help="oss or website.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8010,
) -> None:
    """Serve a mock of an external system that can simulate failures."""
    import uvicorn

    from services.gateway.connectors.mocks.oss import create_oss_mock
    from services.gateway.connectors.mocks.website import create_website_mock

    create = {"oss": create_oss_mock, "website": create_website_mock}.get(system)
    if create is None:
        echo_err(f"Error: no mock {system!r}; use oss or website.")
        raise typer.Exit(2)
    configure_logging(level="WARNING", log_format="console", service="mock")
    echo_err(f"Mock {system} at http://{host}:{port}; configure it with PUT /mock.")
    uvicorn.run(create(), host=host, port=port, log_config=None)
