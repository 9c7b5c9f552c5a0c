"""Asks the hubs of a list for their state: each once, at once, and only for so long."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import httpx
from pydantic import BaseModel, ValidationError

from services.cli.fleet.definition import HubEntry

MAX_ANSWER_BYTES = 1_000_000
AT_ONCE = 16

Severity = Literal["ok", "warning", "error"]
ORDER: tuple[Severity, ...] = ("error", "warning", "ok")


class _Finding(BaseModel):
    check: str
    severity: Literal["warning", "error"]
    message: str


class _Answer(BaseModel):
    """What is read of `GET /api/v1/status`; hubs of other versions may say more."""

    state: str
    region: str
    version: str
    commit: str
    findings: list[_Finding]


class HubState(BaseModel):
    """A hub as it answered, or why it did not."""

    code: str
    name: str
    address: str
    severity: Severity
    version: str | None = None
    commit: str | None = None
    findings: list[str] = []


def address_of(hub: HubEntry, *, local: bool) -> str:
    """Return where to ask a hub: over its public name, or `local` at its port of this machine."""
    if local and hub.port is not None:
        return f"http://127.0.0.1:{hub.port}"
    return hub.address or f"https://{hub.host}"


async def ask_hubs(
    hubs: Sequence[HubEntry], *, seconds: float, local: bool = False
) -> list[HubState]:
    """Return the state of each hub, the worst first.

    `seconds` is what a hub has for its whole answer; sixteen are asked at a time.
    """
    slots = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(follow_redirects=False, timeout=seconds) as client:

        async def ask(hub: HubEntry) -> HubState:
            async with slots:
                return await _ask(client, hub, address_of(hub, local=local), seconds)

        states = await asyncio.gather(*(ask(hub) for hub in hubs))
    return sorted(states, key=lambda state: (ORDER.index(state.severity), state.code))


async def _ask(client: httpx.AsyncClient, hub: HubEntry, address: str, seconds: float) -> HubState:
    state = HubState(code=hub.code, name=hub.name, address=address, severity="error")
    try:
        async with asyncio.timeout(seconds):
            answer = await _read(client, f"{address}/api/v1/status")
    except TimeoutError:
        return state.model_copy(update={"findings": [f"no answer within {seconds:g} s"]})
    except (httpx.HTTPError, OSError) as error:
        reason = str(error) or type(error).__name__
        return state.model_copy(update={"findings": [f"no answer: {reason}"]})
    except (ValidationError, ValueError):
        return state.model_copy(update={"findings": ["what answers there is no hub"]})
    said: dict[str, object] = {"version": answer.version, "commit": answer.commit}
    if answer.region != hub.code:
        wrong = f"the hub there serves region {answer.region}"
        return state.model_copy(update={**said, "findings": [wrong]})
    severities = {finding.severity for finding in answer.findings}
    severity: Severity = "ok" if answer.state == "ok" else "warning"
    if "error" in severities:
        severity = "error"
    findings = [f"{finding.check}: {finding.message}" for finding in answer.findings]
    return state.model_copy(update={**said, "severity": severity, "findings": findings})


async def _read(client: httpx.AsyncClient, url: str) -> _Answer:
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        content = b""
        async for part in response.aiter_bytes():
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                raise ValueError("the answer is too long")
    return _Answer.model_validate_json(content)
