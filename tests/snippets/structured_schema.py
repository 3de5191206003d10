import lmchat as lms

schema = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "author": {"type": "string"},
        "year": {"type": "integer"},
    },
    "required": ["title", "author", "year"],
}

with lms.Client() as client:
    model = client.llm.model()
    result = model.respond("Tell me about The Hobbit", response_format=schema, config={"seed": 1})
    book = result.parsed
    print("Keys:", *sorted(book))
