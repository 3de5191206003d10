import lmchat as lms


class BookSchema(lms.BaseModel):
    title: str
    author: str
    year: int


model = lms.llm()

result = model.respond("Tell me about The Hobbit", response_format=BookSchema, config={"seed": 1})
book = result.parsed
print("Keys:", *sorted(book))

prediction_stream = model.respond_stream("Tell me about The Hobbit", response_format=BookSchema, config={"seed": 1})
for fragment in prediction_stream:
    print(fragment.content, end="", flush=True)
print()
book = prediction_stream.result().parsed
print("Keys:", *sorted(book))
