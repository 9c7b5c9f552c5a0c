"""Base class of request and response models."""

import warnings

from pydantic import BaseModel, ConfigDict
from pydantic.warnings import UnsupportedFieldAttributeWarning

# FastAPI names each parameter of a route by an alias, and ignores pydantic's warning that it has no
# effect in a validator. It does so while it builds the field; `defer_build` builds it later.
warnings.filterwarnings(
    "ignore", message="The 'alias' attribute with value", category=UnsupportedFieldAttributeWarning
)


class ApiModel(BaseModel):
    """Request or response body; rejects unknown fields, NaN and infinities.

    Validators are built when first needed, as for packs and scores: a process needs few of them.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)
