"""Names of browsers and systems, as people know their devices (pure)."""

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""What a user agent contains, the more special first, and the browser's name."""
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """Return browser and system of a user agent, such as `Firefox, Android`; empty if unknown."""
    found = (
        next((name for sign, name in table if sign in user_agent), None)
        for table in (BROWSERS, SYSTEMS)
    )
    return ", ".join(name for name in found if name is not None)
