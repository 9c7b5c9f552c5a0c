# ruff: noqa: B018, F821
# pyright: reportUndefinedVariable=false, reportUnusedExpression=false
"""Names that vulture cannot see being used: called by a framework or by name."""

# uvicorn and httptools call these by name.
EventProtocol
CachedReadProtocol
on_header
on_body
send_400_response
# httpx and html.parser call these.
auth_flow
handle_starttag
log_message
send_400_response
# Templates call this.
furthest
# Imported for annotations only.
PostgresServer
# Declares a header field in OpenAPI.
prefer
# Computations that the benchmarks and the regulations' worked examples call.
assess_batch
score_satisfaction
ikm_result
is_within
parse_ticket
