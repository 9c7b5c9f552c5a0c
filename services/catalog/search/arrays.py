"""numpy, imported when first used, and the types of arrays: the hub starts without it."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scalar = TypeVar("Scalar", bound=np.generic)

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.int32]
    LongNumbers = NDArray[np.int64]
    Checksums = NDArray[np.uint32]
    Counts = NDArray[np.int8]
    Flags = NDArray[np.bool_]
    AnyNumbers = NDArray[np.signedinteger[Any]]
else:
    np = LazyModule("numpy")
    Scalar = TypeVar("Scalar")

    class NDArray(Generic[Scalar]):
        """An array; only type checkers read of what."""

    Floats = Numbers = LongNumbers = Checksums = Counts = Flags = AnyNumbers = NDArray

__all__ = [
    "AnyNumbers",
    "Checksums",
    "Counts",
    "Flags",
    "Floats",
    "LongNumbers",
    "NDArray",
    "Numbers",
    "Scalar",
    "np",
]
