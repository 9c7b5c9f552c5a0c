"""The catalogue as a device stores it."""

from pydantic import Field

from services.catalog.client import SearchTerms
from services.platform.api_model import ApiModel
from services.platform.languages import Language


class OfflineTerms(ApiModel):
    """What a person brings, pays and does, in words."""

    bring: list[str] = Field(default_factory=list[str], description="What to bring.")
    cost: list[str] = Field(default_factory=list[str], description="What is paid.")
    time: str = Field("", description="How long it takes.")
    steps: list[str] = Field(default_factory=list[str], description="Steps, in their order.")


class OfflineCase(OfflineTerms):
    """A case of a service with terms of its own, such as a lost card."""

    slug: str = Field(description="Short name of the case.")
    name: str = Field(description="Name of the case.")
    when: str = Field("", description="To whom or when it applies.")


class OfflinePlace(ApiModel):
    """Where services are given."""

    name: str = Field(description="Name of the place.")
    address: str = Field(description="Where it is, in words.")
    hours: list[str] = Field(default_factory=list[str], description="Opening hours by weekdays.")
    telephone: str | None = Field(None, description="Telephone number; left out without one.")
    whatsapp: str | None = Field(None, description="WhatsApp number; left out without one.")
    email: str | None = Field(None, description="E-mail address; left out without one.")


class OfflineService(OfflineTerms):
    """A service as the questions of a citizen: which case, what to bring, cost, time, where."""

    slug: str = Field(description="Short name of the service in addresses.")
    name: str = Field(description="Name of the service.")
    summary: str = Field(description="What it is, in a sentence.")
    agency: str = Field(description="Short name of the agency that gives it.")
    inactive: bool = Field(False, description="Whether it is published but cannot be used.")
    cases: list[OfflineCase] = Field(
        default_factory=list[OfflineCase], description="Cases whose terms differ."
    )
    places: list[int] = Field(
        default_factory=list[int], description="Numbers of the places where it is given."
    )
    places_decided_by: str = Field("", description="Who decides where it is given.")
    channels: list[str] = Field(default_factory=list[str], description="How it is requested.")


class OfflineEvent(ApiModel):
    """A life event with the services that it needs."""

    slug: str = Field(description="Short name of the life event in addresses.")
    name: str = Field(description="Name of the life event.")
    services: list[str] = Field(description="Slugs of the services.")


class OfflineCatalog(ApiModel):
    """The whole catalogue in one language, with what a device needs to search it."""

    language: Language = Field(description="Language of the texts.")
    services: list[OfflineService] = Field(description="All services.")
    places: list[OfflinePlace] = Field(description="The places, by number from 0.")
    life_events: list[OfflineEvent] = Field(description="Life events that need services.")
    posters: dict[str, str] = Field(
        description="Codes in short addresses of posters (`/s/{code}`), each with where it leads."
    )
    search: SearchTerms = Field(description="What each word scores for which service.")
