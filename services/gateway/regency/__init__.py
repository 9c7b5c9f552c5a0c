"""The regency this hub serves and its districts."""
