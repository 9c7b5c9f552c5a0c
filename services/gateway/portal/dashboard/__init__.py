"""`/dasbor`: collaboration, published indices and the use of services; and who reported what."""
