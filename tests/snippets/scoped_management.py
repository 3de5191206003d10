import lmchat as lms

with lms.Client() as client:
    for downloaded in client.list_downloaded_models("llm"):
        print("On disk:", downloaded.model_key)

    model = client.llm.model("smollm2-135m-instruct", ttl=3600)
    second = client.llm.load_new_instance("smollm2-135m-instruct", "second-llm", config={"contextLength": 512})
    print("Loaded:", *sorted(loaded.identifier for loaded in client.llm.list_loaded()))

    print("Info:", second.get_info().identifier, second.get_context_length(), second.get_load_config().context_length)
    print("Tokens:", len(second.tokenize("Hello, world!")) == second.count_tokens("Hello, world!"))

    second.unload()
    print("Left:", *(loaded.identifier for loaded in client.llm.list_loaded()))
