"""Conversations of other programs, read from what they keep on disk. Never written."""
