"""From a request to an answer: prompt, sampling, stop strings, reasoning, figures."""
