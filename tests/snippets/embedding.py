import lmchat as lms

model = lms.embedding_model("nomic-embed-text-v1.5")

embedding = model.embed("Hello, world!")
print("Dimensions:", len(embedding))
print("Texts:", len(model.embed(["Hello,", "world!"])))
print("Tokens:", len(model.tokenize("Hello, world!")), model.count_tokens("Hello, world!"))
print("Context length:", model.get_context_length())
