"""The region's time zone."""

from zoneinfo import ZoneInfo

JAKARTA = ZoneInfo("Asia/Jakarta")
