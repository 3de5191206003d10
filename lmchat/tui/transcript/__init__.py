"""The book that the conversation view shows: messages as lines, and the window on them. No widget."""
