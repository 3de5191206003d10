import lmchat as lms

model = lms.llm()

chat = lms.Chat.from_history(
    {
        "messages": [
            {"role": "system", "content": "You are a resident AI philosopher."},
            {"role": "user", "content": "What is the meaning of life?"},
        ]
    }
)
for fragment in model.respond_stream(chat, config={"temperature": 0.6, "maxTokens": 50}):
    print(fragment.content, end="", flush=True)
print()
