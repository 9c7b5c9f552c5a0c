"""An announcement as its author writes it."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from services.platform.api_model import ApiModel
from services.platform.packs import rule_error
from services.platform.translation import N_
from services.platform.types import LineBreaks, Slug, UtcDatetime

MAX_SERVICES = 20
"""Services that one announcement concerns."""

Title = Annotated[
    str, StringConstraints(pattern=r"^[^\s\x00-\x1F\x7F][^\x00-\x1F\x7F]*$", max_length=200)
]
Body = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\s\x00-\x1F\x7F][^\x00-\x08\x0E-\x1F\x7F]*$", min_length=1, max_length=5000
    ),
    LineBreaks,
]
"""A text that begins with a letter or sign, so that it is not blank."""


class WrittenAnnouncement(ApiModel):
    """An announcement as its author writes it, in Indonesian and perhaps in English."""

    agency: Slug = Field(description="Agency that announces; stays as it is.")
    title: Title = Field(description="What is announced, in one line.")
    title_en: Title | None = Field(None, description="The title in English.")
    text: Body = Field(
        description="Paragraphs with an empty line between them. Lines that begin with `- ` are a "
        "list; addresses of the web and of mail become links. Other markup is shown as it is."
    )
    text_en: Body | None = Field(None, description="The text in English.")
    services: list[Slug] = Field(
        default_factory=list[str],
        max_length=MAX_SERVICES,
        description="Services that it concerns: their pages show it.",
    )
    publish_from: UtcDatetime | None = Field(
        None, description="When pages begin to show it; null: as soon as it is published."
    )
    publish_until: UtcDatetime | None = Field(
        None, description="When pages stop to show it; null: never."
    )

    @model_validator(mode="after")
    def _agrees(self) -> "WrittenAnnouncement":
        if (self.title_en is None) != (self.text_en is None):
            missing = "title_en" if self.title_en is None else "text_en"
            raise rule_error(
                self,
                (missing,),
                N_("isi juga: judul dan isi keduanya dalam bahasa Inggris, atau tidak sama sekali"),
            )
        if len(set(self.services)) < len(self.services):
            raise rule_error(self, ("services",), N_("sebut tiap layanan satu kali saja"))
        start, end = self.publish_from, self.publish_until
        if start is not None and end is not None and end <= start:
            raise rule_error(self, ("publish_until",), N_("harus lebih akhir dari waktu mulainya"))
        return self
