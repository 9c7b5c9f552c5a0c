"""Bands of scores to which a method maps the words of studies."""

from pydantic import Field, model_validator

from services.assessment.types import Code
from services.platform.packs import PackModel
from services.platform.types import ShortText


class VerdictBand(PackModel):
    """A band of scores, from `low` up to the next band's `low`."""

    code: Code
    name: ShortText
    name_en: ShortText
    low: float = Field(ge=0, lt=100, description="Lowest score of the band.")


class VerdictScale(PackModel):
    """The bands from the lowest to the highest, and the band of each word."""

    bands: list[VerdictBand] = Field(
        min_length=2, max_length=10, description="Bands of scores, the lowest first."
    )
    words: dict[ShortText, Code] = Field(
        min_length=1, max_length=200, description="Code of the band of each word of a study."
    )

    @model_validator(mode="after")
    def _bands_rise_and_words_have_one(self) -> "VerdictScale":
        lows = [band.low for band in self.bands]
        if lows[0] != 0 or lows != sorted(set(lows)):
            raise ValueError("bands must rise by their low, from 0")
        codes = [band.code for band in self.bands]
        if len(set(codes)) < len(codes):
            raise ValueError("codes of bands must be unique")
        for word, code in self.words.items():
            if code not in codes:
                raise ValueError(f"{word!r} has the band {code!r}, which is none of {codes}")
        return self

    def rank_of_word(self, word: str) -> int | None:
        """Return the place of a word's band; None if the method does not know the word."""
        code = self.words.get(word)
        return next((n for n, band in enumerate(self.bands) if band.code == code), None)

    def rank_of_score(self, score: float) -> int:
        """Return the place of the band that a score lies in."""
        return max(n for n, band in enumerate(self.bands) if band.low <= score)
