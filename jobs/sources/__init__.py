"""The room of what others send: files in the inbox become bronze and silver rows, or quarantine rows with file, line, rules and remedy.

Here belong readers of formats, the check of a source's contract, the landing manifest, the fate of each record and the ingest that
writes them. No rule about taxpayers, no indicator and no linking may enter: what a record means is decided further on.
"""

from __future__ import annotations

CODE_REVISION = 3
"""Raised whenever the same file would be read into other rows: it is part of every batch id (docs/lake.md)."""
