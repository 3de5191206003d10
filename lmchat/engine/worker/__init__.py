"""llama.cpp in a child process: what runs there, and how the engine speaks to it."""
