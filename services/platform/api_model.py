"""Base class of request and response models."""

from pydantic import BaseModel, ConfigDict


class ApiModel(BaseModel):
    """Request or response body; rejects unknown fields, NaN and infinities."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
