"""Functions of an object that does not change, computed once for each object."""

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

OwnerT = TypeVar("OwnerT")
ResultT = TypeVar("ResultT")


def once_per_object(compute: Callable[[OwnerT], ResultT]) -> Callable[[OwnerT], ResultT]:
    """Let a function keep its result for an object until the object is gone.

    Objects are told apart by identity: comparing whole methods and facts would take longer than
    what is saved. The result is shared, so nobody may change it, and it must not refer to the
    object, which would then never be gone.
    """
    results: dict[int, ResultT] = {}

    @wraps(compute)
    def of(owner: OwnerT) -> ResultT:
        key = id(owner)
        if key not in results:
            results[key] = compute(owner)
            weakref.finalize(owner, results.pop, key, None).atexit = False
        return results[key]

    return of
