"""Files of a bundle, every byte of them determined by the assessment."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

from services.assessment.bundles.archive import pack
from services.assessment.bundles.crate import crate_metadata
from services.assessment.bundles.signing import Signer
from services.assessment.evidence.attached_files import AttachedFile
from services.assessment.methods.definition import TreeMethod
from services.assessment.scoring.items import Item
from services.assessment.scoring.scores import Scores

METHOD = "method.json"
EVIDENCE = "evidence.json"
PARAMETERS = "parameters.json"
SCORES = "scores.json"
CRATE = "ro-crate-metadata.json"
README = "README.md"
PUBLIC_KEY = "public-key.pem"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
FORMAT = 1

README_TEMPLATE = """# {title}

Region {region}, year {period}, method {method} version {version}.

This bundle holds everything from which the figures in `scores.json` were computed: the method
(`method.json`), the evidence that was read (`evidence.json`), and the seed and the number of draws
(`parameters.json`). Of people it holds nothing that the hub does not publish: posts and offices,
no names of respondents, and of surveys only sums of five answers or more.

To compute it again, on any machine, without a database and without the hub:

    pip install emall-hub
    emall verify THIS-FILE.zip

It says that every figure agrees to the last digit, or which file or figure does not. To be sure
who published it, compare the fingerprint that it prints with the one at
`/api/v1/metrics/publishing-key` of the hub, or give the key: `--key KEY.pem`.

By hand: `manifest.json` has the SHA-256 of every file, `manifest.sig` is its Ed25519 signature
(64 bytes) by the key in `public-key.pem`.
"""


class Parameters(BaseModel):
    """The settings needed beside method and evidence to recompute an assessment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    id: UUID
    region: str
    period: int
    method: str
    method_version: int
    method_hash: str
    evidence_hash: str
    seed: int
    draws: int
    recorded_at: datetime
    recorded_by: str
    software: str


def make_bundle(
    parameters: Parameters,
    method: TreeMethod,
    items: Sequence[Item],
    scores: Scores,
    *,
    signer: Signer,
    attachments: Sequence[AttachedFile] = (),
) -> bytes:
    """Return the signed archive of an assessment, which names what is attached to its evidence."""
    ordered = sorted(items, key=lambda item: (item.kind, item.key, item.version or 0))
    title = f"{method.name_en} {parameters.period}, {parameters.region}"
    instruction = README_TEMPLATE.format(
        title=title,
        region=parameters.region,
        period=parameters.period,
        method=parameters.method,
        version=parameters.method_version,
    )
    files: dict[str, bytes] = {
        README: instruction.encode(),
        METHOD: as_json(method.document()),
        EVIDENCE: as_json([item.document() for item in ordered]),
        PARAMETERS: as_json(parameters.model_dump(mode="json")),
        SCORES: as_json(scores.model_dump(mode="json")),
        PUBLIC_KEY: signer.public.pem.encode(),
    }
    crate = crate_metadata(
        title,
        {name: len(content) for name, content in files.items()},
        description=method.description_en,
        identifier=parameters.id,
        region=parameters.region,
        at=parameters.recorded_at,
        software=parameters.software,
        attachments=attachments,
    )
    files = {CRATE: as_json(crate), **files}
    files[MANIFEST] = manifest_of(files)
    files[SIGNATURE] = signer.sign(files[MANIFEST])
    return pack(files)


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """Return the manifest: the SHA-256 of every file."""
    return as_json({"sha256": {name: sha256(content) for name, content in files.items()}})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def as_json(document: Any) -> bytes:
    """Return JSON that is sorted, indented and UTF-8."""
    text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False)
    return f"{text}\n".encode()


ITEMS: TypeAdapter[list[Item]] = TypeAdapter(list[Item])
