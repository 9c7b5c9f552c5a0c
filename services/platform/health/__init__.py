"""Whether the hub works: checks, what they find, and what to do about it.

`findings` and `rules` are pure: what a finding is, and which measurements are one. The modules
`*_checks` measure. `monitor` runs the checks of a process, each bounded and cached, for
`/health/ready`, `GET /api/v1/status` and the metrics; `emall doctor` runs them too.
"""
