import lmchat as lms

model = lms.llm()
result = model.respond(
    "What are the prime numbers between 0 and 100?",
    config={
        "draftModel": "tiny-draft",
    },
)
print(result)
print(f"Accepted {result.stats.accepted_draft_tokens_count}/{result.stats.predicted_tokens_count} tokens")
