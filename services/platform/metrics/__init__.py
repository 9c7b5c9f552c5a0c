"""Metrics of a process in the format of Prometheus; not imported without `EMALL_METRICS_PORT`."""
