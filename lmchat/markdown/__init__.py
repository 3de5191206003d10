"""Markdown to styled lines, incrementally: text in, lines out; no widget, no terminal."""
