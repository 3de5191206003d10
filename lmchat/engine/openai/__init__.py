"""The same models for programs that speak OpenAI's HTTP interface."""
