import lmchat as lms


def does_chat_fit_in_context(model: lms.LLM, chat: lms.Chat) -> bool:
    formatted = model.apply_prompt_template(chat)
    token_count = len(model.tokenize(formatted))
    context_length = model.get_context_length()
    return token_count < context_length


model = lms.llm()

tokens = model.tokenize("Hello, world!")
print("Token count:", len(tokens), model.count_tokens("Hello, world!"))
print("Texts:", len(model.tokenize(["Hello,", "world!"])))

chat = lms.Chat.from_history(
    {
        "messages": [
            {"role": "user", "content": "What is the meaning of life."},
            {"role": "assistant", "content": "The meaning of life is..."},
        ]
    }
)
print("Fits:", does_chat_fit_in_context(model, chat))
