"""What counts as lost and as doubled."""

from collections import Counter

import pytest

from tests.faults.ledger import Item, Kind, Ledger, compare

EVENT, CLICK = Item(Kind.event, "e"), Item(Kind.click, "simbg ktp-el")


def sent(item: Item, *, times: int, accepted: int) -> Ledger:
    ledger = Ledger()
    for _ in range(times):
        ledger.send([item])
    for _ in range(accepted):
        ledger.accept([item])
    return ledger


@pytest.mark.parametrize(
    ("item", "times", "accepted", "stored", "lost", "doubled"),
    [
        (EVENT, 1, 1, 1, 0, 0),
        (EVENT, 3, 0, 0, 0, 0),
        (EVENT, 3, 0, 1, 0, 0),  # stored, but its answer did not arrive
        (EVENT, 3, 2, 1, 0, 0),  # accepted again with the same id
        (EVENT, 1, 1, 0, 1, 0),
        (EVENT, 3, 2, 2, 0, 1),
        (CLICK, 3, 2, 2, 0, 0),
        (CLICK, 3, 2, 3, 0, 0),
        (CLICK, 3, 2, 1, 1, 0),
        (CLICK, 3, 2, 5, 0, 2),
    ],
)
def test_what_was_accepted_is_stored_once(
    item: Item, times: int, accepted: int, *, stored: int, lost: int, doubled: int
) -> None:
    difference = compare(sent(item, times=times, accepted=accepted), Counter({item: stored}))
    assert (difference.lost.total(), difference.doubled.total()) == (lost, doubled)


def test_what_nobody_sent_counts_as_doubled() -> None:
    assert compare(Ledger(), {EVENT: 1}).doubled == {EVENT: 1}


def test_an_item_is_accepted_as_often_as_it_is_to_be_stored() -> None:
    assert sent(EVENT, times=3, accepted=2).accepted == 1
    assert sent(CLICK, times=3, accepted=2).accepted == 2
