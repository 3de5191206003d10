import lmchat as lms

client = lms.get_default_client()

model = lms.llm("smollm2-135m-instruct", ttl=3600)
another = client.llm.load_new_instance(
    "smollm2-135m-instruct",
    "second-model",
    ttl=60,
    config={"contextLength": 1024},
    on_load_progress=lambda progress: print(f"Loading: {progress:.0%}"),
)
print("Context lengths:", model.get_context_length() != another.get_context_length(), another.get_context_length())

try:
    client.llm.load_new_instance("smollm2-135m-instruct", "second-model")
except lms.LMStudioServerError as error:
    print("Refused:", "already exists" in str(error))

another.unload()
print("Left:", [loaded.identifier for loaded in client.llm.list_loaded() if loaded == another])

(downloaded,) = client.llm.list_downloaded()
print("From the listing:", downloaded.model() == model)
