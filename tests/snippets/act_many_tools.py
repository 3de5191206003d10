import math

import lmchat as lms


def add(a: int, b: int) -> int:
    """Gives the sum of the two numbers a and b."""
    return a + b


def is_prime(n: int) -> bool:
    """Tells whether the number n is a prime number."""
    return n > 1 and all(n % divisor for divisor in range(2, math.isqrt(n) + 1))


model = lms.llm()
result = model.act(
    "Is the sum of 12345 and 45668 a prime? Go step by step.",
    [add, is_prime],
    on_prediction_completed=lambda done: print(f"Round {done.round_index}: {done.stats.stop_reason}"),
)
print("Rounds:", result.rounds)
