import lmchat as lms


def multiply(a: float, b: float) -> float:
    """Gives the product of the two numbers a and b."""
    return a * b


model = lms.llm()
model.act("How much is 12345 times 54321?", [multiply], on_message=print)
