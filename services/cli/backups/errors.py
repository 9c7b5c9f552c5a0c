"""Why there is no backup, or nothing was restored."""


class BackupError(ValueError):
    """Nothing was written or restored, and nothing changed; the message says why."""
