"""The times that downloads write down."""

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?) *(\S*)")


def time_of(value: object) -> datetime | None:
    """A time of Gradescope's or nbgrader's; where it names no zone it is UTC."""
    if isinstance(value, str):
        match = _STAMP.search(value)
        if not match:
            return None
        try:
            value = datetime.fromisoformat(match[1][:26]).replace(tzinfo=_zone(match[2]))
        except (ValueError, OSError, LookupError):
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _zone(name: str) -> tzinfo | None:
    if name in ("", "UTC", "GMT", "Z"):
        return UTC
    if match := re.fullmatch(r"(?:UTC|GMT)?([+-]\d\d):?(\d\d)", name):
        return datetime.fromisoformat(f"2000-01-01T00:00{match[1]}:{match[2]}").tzinfo
    return ZoneInfo(name)
