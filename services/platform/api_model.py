"""The base of every model that an API takes or answers."""

from pydantic import BaseModel, ConfigDict


class ApiModel(BaseModel):
    """A request or response body. Unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
