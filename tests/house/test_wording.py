"""Names that were replaced by the field's terms do not come back."""

import re

import pytest

from services.platform.settings import ROOT
from tests.house.test_docs import tracked

REPLACED = """
SAID_BY_THE_DOOR OF_THE_GATEWAY behind_the_door seen_through hand_over open_entrance open_rounds
open_desk PATIENT_PROTOCOL GIVEN_UP AtOnce EventsFirst ShortWay HeadLimit short_way slow_heads
hot_reads NO_ANSWER install_outage_handlers is_away ASK_AGAIN KeyHolder holder_of_key caller_of_id
issue_beside HEARD_SECONDS UNHEARD_SECONDS DEAF_AFTER_SECONDS PULSE_SECONDS DomainWatch
OPENS_AFTER HOSTS_TO_TELL broken_since MOST_BYTES LARGEST_KEPT NotTakenError NotMappedError
Sayings sayings read_fast _may_be_said COMPANY GATHERED LEFT_OVER keep_comments_always keep_always
keep_months     of_collaboration of_levels
SignedIn KeyRing key_ring Messenger StandIn stand_in _Wanted _Landed _Filling bears_error
chosen_by passed_by failed_over empty_until let_through _owe_again held_for no_form old_form
left_out     NoEvidence held_during own_interval both_ways summing_to
unknown_references words_in fault_text spent_by forget_consumption
forget_senders first_month_kept take_bearings note_success note_failure taken_apart
"""
"""Names of the code and of fields; those of commands, settings and tables are in the changelog."""

EXEMPT = {"CHANGELOG.md", "tests/house/test_wording.py"}
"""The changelog lists what was renamed, this file what must not return."""

SUFFIXES = (".py", ".md", ".html", ".js", ".sql", ".toml", ".yml", ".yaml", ".json", ".typ", ".css")


def is_checked(name: str) -> bool:
    """Whether a file is checked; older migrations keep the names of their time."""
    if name in EXEMPT or not name.endswith(SUFFIXES):
        return False
    return not name.startswith("migrations/versions/")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_replaced_names_do_not_come_back(suffix: str) -> None:
    words = "|".join(sorted(map(re.escape, REPLACED.split()), key=len, reverse=True))
    pattern = re.compile(rf"\b(?:{words})\b")
    found = [
        f"{name}:{number}: {match[0]}"
        for path in tracked(suffix)
        if is_checked(name := str(path.relative_to(ROOT)))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for match in pattern.finditer(line)
    ]
    assert found == []
