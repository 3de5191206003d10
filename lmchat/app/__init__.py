"""What the program does: conversations, servers, settings. No screen, no wire."""
