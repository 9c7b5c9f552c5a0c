"""Calendar feeds as programs subscribe to them."""

from services.platform.calendar_feed import new_calendar


def test_a_feed_names_itself_and_says_how_often_it_is_worth_reading() -> None:
    lines = new_calendar("Agenda; rapat").to_ical().decode().split("\r\n")
    assert {
        "NAME:Agenda\\; rapat",
        "X-WR-CALNAME:Agenda\\; rapat",
        "REFRESH-INTERVAL;VALUE=DURATION:PT12H",
        "X-PUBLISHED-TTL:PT12H",
    } <= set(lines)
