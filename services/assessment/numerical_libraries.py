"""numpy, scipy and networkx, imported when first used, and the types of arrays.

They take 80 MiB of memory and most of a second to import, and the service starts without them.
"""

from typing import TYPE_CHECKING

from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    from numpy.typing import NDArray
    from scipy import optimize, special, stats

    Floats = NDArray[np.float64]
    ShortFloats = NDArray[np.float32]
    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]
else:
    np = LazyModule("numpy")
    nx = LazyModule("networkx")
    optimize = LazyModule("scipy.optimize")
    special = LazyModule("scipy.special")
    stats = LazyModule("scipy.stats")

    class Floats:
        """An array; only type checkers read of what."""

    ShortFloats = Integers = Booleans = Floats

__all__ = [
    "Booleans",
    "Floats",
    "Integers",
    "ShortFloats",
    "np",
    "nx",
    "optimize",
    "special",
    "stats",
]
