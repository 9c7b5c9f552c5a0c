"""The rules of comments by themselves: tickets, working days, service levels, states, keys."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.comments.keys import CommentKeys
from services.feedback.comments.service_levels import service_levels
from services.feedback.comments.states import TRANSITIONS, can_transition
from services.feedback.comments.tickets import ALPHABET, new_ticket, parse_ticket
from services.feedback.form_checks import FormTokens
from services.platform.working_days import (
    HOLIDAYS,
    after_working_days,
    is_working_day,
    working_days_between,
)
from tests.holidays_table import table

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TICKETS = st.integers(0, 2**32).map(lambda seed: new_ticket(Random(seed).randrange))
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(TICKETS)
def test_a_ticket_is_read_as_people_write_it(ticket: str) -> None:
    assert parse_ticket(ticket) == ticket
    assert parse_ticket(f" {ticket.lower().replace('-', ' ')} ") == ticket
    assert parse_ticket(ticket.replace("0", "O").replace("1", "l")) == ticket


@given(TICKETS, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_every_wrong_symbol_of_a_ticket_is_noticed(ticket: str, place: int, symbol: str) -> None:
    plain = ticket.replace("-", "")
    wrong = plain[:place] + symbol + plain[place + 1 :]
    assert (parse_ticket(wrong) is None) == (wrong != plain)


@given(TICKETS, st.integers(0, 10))
def test_two_symbols_that_changed_places_are_noticed(ticket: str, place: int) -> None:
    plain = ticket.replace("-", "")
    swapped = plain[:place] + plain[place + 1] + plain[place] + plain[place + 2 :]
    assert (parse_ticket(swapped) is None) == (swapped != plain)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 3, 2), True),
        (date(2026, 3, 7), False),  # a Saturday
        (date(2026, 3, 19), False),  # Nyepi
        (date(2026, 3, 20), False),  # joint leave before Idulfitri
        (date(2026, 3, 25), True),
        (date(2026, 8, 17), False),  # Independence Day
        (date(2026, 12, 24), False),  # joint leave before Christmas
    ],
)
def test_weekends_holidays_and_joint_leave_are_no_working_days(day: date, works: bool) -> None:
    assert is_working_day(day) is works


def test_the_table_of_holidays_is_that_of_the_package() -> None:
    assert HOLIDAYS.read_text() == table(), "run make holidays"


def test_a_promise_over_idulfitri_2026_ends_after_the_leave() -> None:
    # Tuesday 17 March: the 18th to the 24th are Nyepi, Idulfitri, joint leave and a weekend.
    assert after_working_days(date(2026, 3, 17), 3) == date(2026, 3, 27)


@given(DAYS, st.integers(1, 60))
def test_the_last_day_of_a_period_is_as_many_working_days_away(start: date, days: int) -> None:
    end = after_working_days(start, days)
    assert is_working_day(end)
    assert working_days_between(start, end) == days
    assert working_days_between(start, end - timedelta(days=1)) == days - 1
    assert working_days_between(end, start) == 0


@pytest.mark.parametrize(
    ("kind", "category", "days"),
    [
        ("question", "levy", 5),
        ("complaint", "time", 14),
        ("complaint", "levy", 60),
        ("praise", "levy", 14),
    ],
)
def test_the_promise_hangs_on_kind_and_content(kind: str, category: str, days: int) -> None:
    known = service_levels()
    assert known.level_for(kind, category).working_days == days  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert known.verify_by(date(2026, 3, 2)) == date(2026, 3, 5)


def test_every_state_leads_on_and_none_to_itself() -> None:
    assert set().union(*TRANSITIONS.values()) | {"received"} == set(TRANSITIONS)
    assert all(TRANSITIONS[state] for state in TRANSITIONS)
    assert not any(can_transition(state, state) for state in TRANSITIONS)


def test_a_contact_decrypts_only_with_its_key_and_for_its_comment() -> None:
    keys, comment = CommentKeys(Ed25519PrivateKey.generate()), uuid4()
    sealed = keys.encrypt_contact(b"a@b.example", region="12.12", comment=comment)
    assert b"a@b" not in sealed
    assert keys.decrypt_contact(sealed, region="12.12", comment=comment) == b"a@b.example"
    assert keys.decrypt_contact(sealed, region="12.13", comment=comment) is None
    assert keys.decrypt_contact(sealed, region="12.12", comment=uuid4()) is None
    other = CommentKeys(Ed25519PrivateKey.generate())
    assert other.decrypt_contact(sealed, region="12.12", comment=comment) is None


def test_a_token_is_the_same_again_and_another_for_another_comment() -> None:
    keys, comment = CommentKeys(Ed25519PrivateKey.generate()), uuid4()
    assert keys.ticket_token("12.12", comment) == keys.ticket_token("12.12", comment)
    assert keys.ticket_token("12.12", comment) != keys.ticket_token("12.12", uuid4())


@given(st.text(max_size=40))
def test_a_form_token_that_the_hub_did_not_make_has_no_age(written: str) -> None:
    tokens = FormTokens(Ed25519PrivateKey.generate())
    made = tokens.issue("comment", NOW)
    assert tokens.age("comment", made, NOW + timedelta(seconds=9)) == 9
    assert tokens.age("survey skm", made, NOW) is None
    assert tokens.age("comment", written, NOW) is None
    assert tokens.age("comment", f"{written}.{made.partition('.')[2]}", NOW) is None
