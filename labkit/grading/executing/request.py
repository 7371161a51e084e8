"""What a zygote is asked for. This file is beside it, and beside the grader that asks."""

import json
from dataclasses import asdict, dataclass
from typing import Any

MOST_REQUEST = 4 * 2**20  # bytes
FAILED = "failed: "  # a status that begins so says why nothing was run


@dataclass(frozen=True)
class Request:
    """What to fork into a sandbox.

    arguments:   of the program that the fork becomes
    folder:      where it works
    fence:       the fields of a `Fence`
    sandbox:     a process whose namespaces it joins, or nothing
    exercises:   ids whose cases are drawn once before, so that no fork imports what drawing needs
    """

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    fence: dict[str, Any]
    sandbox: int | None = None
    exercises: list[str] | None = None

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, message: bytes) -> "Request":
        return cls(**json.loads(message))
