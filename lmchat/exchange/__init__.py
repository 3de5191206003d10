"""Conversations as files: ours written and read back, other programs' read. No network, no store, no screen.

documents = read(Path("conversations.json")).documents
Path("chat.md").write_bytes(write(documents[:1], Format.MARKDOWN))
"""

from __future__ import annotations

from lmchat.exchange.files import LARGEST_FILE, read, write
from lmchat.exchange.formats import Format, Imported, sniff

__all__ = ["LARGEST_FILE", "Format", "Imported", "read", "sniff", "write"]
