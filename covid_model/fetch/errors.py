"""What can go wrong while films are fetched."""

from __future__ import annotations


class FetchError(ValueError):
    """Fetching cannot begin as it was asked for. The message is one plain sentence."""


class NotHad(Exception):
    """One film, or every film of a source, could not be had; the message is the reason that the report gives.

    `host` is True where the server failed rather than the film: a run of those ends the attempts at its source.
    """

    def __init__(self, reason: str, host: bool = False) -> None:
        super().__init__(reason)
        self.host = host
