"""Description of a bundle as an RO-Crate 1.1, for research archives."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.assessment.evidence.attached_files import AttachedFile

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "https://w3id.org/ro/crate/1.1"

DESCRIPTIONS = {
    "README.md": ("How to verify this bundle", "text/markdown"),
    "method.json": (
        "The method: every indicator, how it is measured and scored",
        "application/json",
    ),
    "evidence.json": ("All evidence that was read, in its versions", "application/json"),
    "parameters.json": ("Seed, draws, hashes and origin", "application/json"),
    "scores.json": (
        "The result: every node with interval, coverage and reason",
        "application/json",
    ),
    "public-key.pem": ("The Ed25519 key that signed the manifest", "application/x-pem-file"),
}
INPUTS = ("method.json", "evidence.json", "parameters.json")


def crate_metadata(
    name: str,
    sizes: Mapping[str, int],
    *,
    description: str,
    identifier: UUID,
    region: str,
    at: datetime,
    software: str,
    attachments: Iterable[AttachedFile] = (),
) -> dict[str, Any]:
    """Return the content of `ro-crate-metadata.json`.

    It names the files attached to the evidence by their hashes, although they are not in the
    bundle: who gets one can tell that it is the one on which the evidence rests.
    """
    attached = _attached(attachments)
    mentioned = [{"@id": "#assessment"}, *({"@id": one["@id"]} for one in attached)]
    moment = at.isoformat()
    publisher = {"@id": f"#region-{region}"}
    graph: list[dict[str, Any]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": PROFILE},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": name,
            "description": description,
            "identifier": f"urn:uuid:{identifier}",
            "datePublished": moment,
            "license": {"@id": "#terms"},
            "publisher": publisher,
            "mainEntity": {"@id": "scores.json"},
            "hasPart": [{"@id": file} for file in sizes],
            "mentions": mentioned if attached else mentioned[0],
        },
        {
            "@id": "#terms",
            "@type": "CreativeWork",
            "name": "Public information",
            "description": "Public information of a public body (Law of Indonesia 14/2008).",
        },
        {**publisher, "@type": "Organization", "name": f"Government of region {region}"},
        {
            "@id": "#emall",
            "@type": "SoftwareApplication",
            "name": "emall-hub",
            "version": software,
        },
        {
            "@id": "#assessment",
            "@type": "CreateAction",
            "name": "Assessment",
            "endTime": moment,
            "agent": publisher,
            "instrument": {"@id": "#emall"},
            "object": [{"@id": file} for file in INPUTS],
            "result": [{"@id": "scores.json"}],
        },
    ]
    for file, size in sizes.items():
        title, media_type = DESCRIPTIONS[file]
        graph.append(
            {
                "@id": file,
                "@type": "File",
                "name": title,
                "encodingFormat": media_type,
                "contentSize": str(size),
            }
        )
    return {"@context": CONTEXT, "@graph": [*graph, *attached]}


def _attached(attachments: Iterable[AttachedFile]) -> list[dict[str, Any]]:
    """Return an entity for each file, named by its hash (RFC 6920), with the records it proves."""
    records: dict[str, list[str]] = {}
    files: dict[str, AttachedFile] = {}
    for one in attachments:
        files[one.sha256] = one
        records.setdefault(one.sha256, []).append(f"{one.kind}/{one.key}")
    return [
        {
            "@id": _name_of_hash(sha256),
            "@type": "MediaObject",
            "name": f"Attached to {', '.join(records[sha256])}",
            "identifier": sha256,
            "encodingFormat": one.media_type,
            "contentSize": str(one.size),
        }
        for sha256, one in files.items()
    ]


def _name_of_hash(sha256: str) -> str:
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"
