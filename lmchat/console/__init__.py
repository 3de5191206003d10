"""Front ends that print lines: one answer, or a server in the foreground."""
