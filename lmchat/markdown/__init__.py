"""Markdown as models write it: text in, styled lines out, while it is being written. No widget, no terminal."""

from __future__ import annotations

from lmchat.markdown.document import Markdown
from lmchat.markdown.lines import Line, Span
from lmchat.markdown.styles import STYLES

__all__ = ["STYLES", "Line", "Markdown", "Span"]
