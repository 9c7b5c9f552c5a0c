"""Channels through which services are used: events, statistics and surveys share these codes."""

from typing import Literal

ChannelKind = Literal["online", "counter", "phone", "visit", "email"]
