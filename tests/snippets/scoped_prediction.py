import lmchat as lms

with lms.Client() as client:
    model = client.llm.model("smollm2-135m-instruct")

    print(model.complete("My name is", config={"maxTokens": 10}))

    prediction_stream = model.respond_stream("What is the meaning of life?")
    cancelled = False
    for _ in prediction_stream:
        if not cancelled:
            cancelled = True
            prediction_stream.cancel()
    print("Stop reason:", prediction_stream.result().stats.stop_reason)

    chat = lms.Chat("You are a resident AI philosopher.")
    chat.add_user_message("What is the meaning of life?")
    print(model.respond(chat, config={"maxTokens": 10}, on_message=chat.append))
