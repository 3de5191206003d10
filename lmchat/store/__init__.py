"""Conversations on disk: SQLite in, values out."""
