"""A conversation as Markdown that a person reads and a program reads back without loss.

The file is front matter, then the messages of the shown branch, then those of other versions. What Markdown cannot say
is in HTML comments, which no forge shows. Each part of a message stands between two of them:

    <!-- lmchat text {"message": {"id": 2, "parent_id": 1, "role": "user", "created_at": 1.5}} -->

    the text, character for character

    <!-- lmchat end -->

Whatever the text holds, it cannot end there by itself: the word after `<!--` is one that no text has after that, and
the front matter tells it. All that is not between such marks (headings, folds, figures) is for the reader.
"""

from __future__ import annotations

from lmchat.exchange.markdown.reader import read_markdown
from lmchat.exchange.markdown.writer import write_markdown

__all__ = ["read_markdown", "write_markdown"]
