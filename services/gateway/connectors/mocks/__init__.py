"""Stand-ins for OSS and for websites, served on a socket for trials and tests."""
