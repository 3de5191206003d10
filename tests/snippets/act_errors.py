import lmchat as lms


def divide(numerator: float, denominator: float) -> float:
    """Divides the numerator by the denominator, and gives the result."""
    return numerator / denominator


def raise_here(error: lms.LMStudioPredictionError, request: lms.ToolCallRequest | None) -> str | None:
    raise error


model = lms.llm()
chat = lms.Chat()
chat.add_user_message("Try to divide 1 by 0 with the tool, and explain what comes of it.")

model.act(chat, [divide], on_message=chat.append)
print("The model was told:", chat.messages[-2])

try:
    model.act("And again.", [divide], handle_invalid_tool_request=raise_here)
except lms.LMStudioPredictionError as error:
    print("The program was told:", error)
    print("Because of:", type(error.__cause__).__name__)
