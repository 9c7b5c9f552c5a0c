"""Values that are computed once for each object: shared, kept apart, and forgotten with it."""

from pathlib import Path

from bench._synthetic import synthetic_facts
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_method, read_methods
from services.assessment.scoring.assess import assess
from services.assessment.scoring.batch import Case
from services.assessment.scoring.computed_once import once_per_object

VERSION_1 = Path(__file__).parent / "version_1" / "cgr-2015.yaml"


class Owner:
    """An object that nothing compares."""


def test_an_object_is_read_once_and_another_one_by_itself() -> None:
    read: list[Owner] = []

    @once_per_object
    def place(owner: Owner) -> int:
        read.append(owner)
        return len(read)

    first, second = Owner(), Owner()
    assert [place(first), place(second), place(first), place(second)] == [1, 2, 1, 2]


def test_a_new_object_never_gets_what_was_kept_of_one_that_is_gone() -> None:
    found: list[int] = []

    @once_per_object
    def number(_: Owner) -> int:
        found.append(len(found))
        return found[-1]

    assert [number(Owner()) for _ in range(50)] == list(range(50))


def test_methods_that_read_registers_differently_share_facts_and_no_figures() -> None:
    case = Case("12.12", 2024)
    new, old = read_methods()["cgr-2015"], read_method(VERSION_1)
    assert isinstance(new, CollaborationMethod)
    assert isinstance(old, CollaborationMethod)
    shared = synthetic_facts(case)
    for method in (new, old, new):
        alone = assess(method, synthetic_facts(case), seed=1, draws=100)
        assert assess(method, shared, seed=1, draws=100) == alone
