"""`emall assess` and `emall verify`."""

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.console import echo_err, run_async
from services.cli.hub_keys import require_keys
from services.platform.settings import Service, Settings, load_settings


def assess(
    period: Annotated[int, typer.Option(min=2000, max=2099, help="Year to assess.")],
    method: Annotated[str, typer.Option(help="Id of the method, see methods/.")] = "cgr-2015",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random draws.")] = 1,
    draws: Annotated[int, typer.Option(min=100, max=100_000, help="Number of draws.")] = 10_000,
) -> None:
    """Assess a year, store the result and print it as JSON."""
    request: dict[str, int | str] = {
        "period": period,
        "method": method,
        "seed": seed,
        "draws": draws,
    }
    settings = load_settings()
    require_keys(settings, [Service.gateway])
    answer = run_async(_assess(settings, request))
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    if answer.get("status") not in (None, 200, 201):
        raise typer.Exit(1)


async def _assess(settings: Settings, request: dict[str, int | str]) -> dict[str, Any]:
    """Return the answer of `POST /assessments`: an assessment or a problem document."""
    from services.gateway.app import (
        ServiceAuth,
        local_services,
        service_client,
    )
    from services.platform.identity import Caller, TokenSigner, load_private_key
    from services.platform.in_process_transport import InProcessTransport
    from services.platform.service import API

    signer = TokenSigner(load_private_key(settings.private_key_file), settings.region)
    local = local_services(settings)
    caller = Caller(subject="emall-assess", scopes=frozenset({"admin"}))
    app = local.get(Service.assessment)
    client = service_client(
        settings,
        Service.assessment,
        InProcessTransport(app) if app is not None else None,
        ServiceAuth(signer, caller),
    )
    async with contextlib.AsyncExitStack() as stack:
        for service in local.values():
            await stack.enter_async_context(service.router.lifespan_context(service))
        await stack.enter_async_context(client)
        answer = await client.post(f"{API}/assessments", json=request)
        document: dict[str, Any] = answer.json()
        return document


def verify(
    bundle: Annotated[
        Path, typer.Argument(help="Bundle from GET /api/v1/assessments/{id}/bundle.")
    ],
    key: Annotated[
        Path | None, typer.Option(help="Public key (PEM) of the hub that published it.")
    ] = None,
) -> None:
    """Recompute the assessment in a bundle from the bundle only, and report any difference."""
    from services.assessment.bundles.signing import read_public_key
    from services.assessment.bundles.verify import BundleError
    from services.assessment.bundles.verify import verify as verify_bundle

    try:
        archive = bundle.read_bytes()
        public_key = None if key is None else read_public_key(key.read_bytes())
    except (OSError, ValueError) as error:
        echo_err(f"Error: {error}")
        raise typer.Exit(2) from None
    try:
        verified = verify_bundle(archive, key=public_key)
    except BundleError as error:
        for fault in error.faults:
            typer.echo(fault)
        echo_err(f"{bundle.name} is not valid: {len(error.faults)} errors.")
        raise typer.Exit(1) from None
    parameters = verified.parameters
    typer.echo(
        f"{bundle.name} is valid: {verified.nodes} values of {parameters.method} "
        f"{parameters.period}, region {parameters.region}, recomputed to the last digit."
    )
    typer.echo(f"Signed by the key {verified.fingerprint}.")
    if key is None:
        echo_err(
            "Compare this key with /api/v1/metrics/publishing-key of the hub that published it."
        )
