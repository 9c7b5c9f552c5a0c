"""Request and response models of rating tokens."""

from datetime import date

from pydantic import Field

from services.feedback.channels import ChannelKind
from services.feedback.surveys.schemas import Token
from services.platform.api_model import ApiModel
from services.platform.types import Slug

DEFAULT_RATING_SURVEY = "penilaian"
"""The short survey that tokens are for by default."""

MAX_TOKENS = 500


class RatingTokenRequest(ApiModel):
    """A request for tokens for uses of one of the agency's services."""

    service: Slug = Field(description="A service of the agency's.")
    agency: Slug | None = Field(None, description="Default: the agency of the key.")
    channel: ChannelKind | None = Field(None, description="How the service was used.")
    survey: Slug = Field(DEFAULT_RATING_SURVEY, description="A survey that needs a token.")
    count: int = Field(1, ge=1, le=MAX_TOKENS, description="How many tokens to create.")
    days: int = Field(30, ge=1, le=90, description="Days until they expire.")


class RatingToken(ApiModel):
    """A token and the page that it opens once."""

    token: Token
    path: str = Field(description="Path of the page on this hub, to be given to the citizen.")


class RatingTokenSubject(ApiModel):
    """What a token was issued for."""

    survey: str
    service: str
    agency: str
    channel: str | None
    expires_on: date


class RatingTokens(RatingTokenSubject):
    """New tokens, shown only here: the hub stores their hashes until they are redeemed."""

    items: list[RatingToken] = Field(
        max_length=MAX_TOKENS, description="The tokens, each for one use."
    )
