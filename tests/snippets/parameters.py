import lmchat as lms

model = lms.llm(
    "smollm2-135m-instruct",
    config={
        "contextLength": 2048,
        "gpuOffload": 0.5,
    },
)
chat = lms.Chat("You are brief.")
chat.add_user_message("What is the meaning of life?")

result = model.respond(
    chat,
    config={
        "temperature": 0.6,
        "maxTokens": 20,
    },
)
print("Answer tokens:", result.stats.predicted_tokens_count)

result = model.complete(
    chat,
    config={
        "temperature": 0.6,
        "maxTokens": 20,
        "stop": ["\n\n"],
        "topP": 0.9,
    },
)
print("Completion tokens:", result.stats.predicted_tokens_count)
