from pathlib import Path

import lmchat as lms


def create_file(name: str, content: str) -> str:
    """Makes a file of this name with this content."""
    path = Path(name)
    if path.exists():
        return "Error: There is such a file already."
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as problem:
        return f"Error: {problem!r}"
    return "The file is there."


def print_fragment(fragment: lms.LlmPredictionFragment, round_index: int = 0) -> None:
    # The last parameter is the round of the act that the fragment belongs to.
    print(fragment.content, end="", flush=True)


model = lms.llm()
chat = lms.Chat("You are a task focused AI assistant")

while True:
    try:
        user_input = input("You (leave blank to exit): ")
    except EOFError:
        print()
        break
    if not user_input:
        break
    chat.add_user_message(user_input)
    print("Bot: ", end="", flush=True)
    model.act(
        chat,
        [create_file],
        on_message=chat.append,
        on_prediction_fragment=print_fragment,
    )
    print()
