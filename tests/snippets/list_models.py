import lmchat as lms

for model in lms.list_downloaded_models():
    print(model)
print("LLMs:", len(lms.list_downloaded_models("llm")))
print("Embedding models:", len(lms.list_downloaded_models("embedding")))

for index, loaded in enumerate(lms.list_loaded_models()):
    print(f"{index:>3} {loaded}")

with lms.Client() as client:
    print("The same:", len(client.llm.list_downloaded()), len(client.embedding.list_downloaded()))
    print("Loaded:", len(client.llm.list_loaded()), len(client.embedding.list_loaded()))
