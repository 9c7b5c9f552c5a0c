"""Mock servers of OSS and of websites, for tests and demonstrations.

Only `emall mock` and tests import them; the hub does not.
"""
