"""The engine: LM Studio's protocol in front of llama.cpp, in processes of its own."""
