"""`/dasbor`: collaboration, the published indices and the use of services, for anybody."""
