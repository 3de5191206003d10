"""Conversations as one web page that needs nothing else: no script, nothing from the network; light, dark, printable.

The texts are hostile. They are drawn by markdown-it with HTML off, links lead to http, https and mailto only, images
are links, and the page's own policy forbids everything but its one style sheet, in case any of that should fail.
"""

from __future__ import annotations

from lmchat.exchange.html.page import write_html

__all__ = ["write_html"]
