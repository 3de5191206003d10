import lmchat as lms

loaded_models = lms.list_loaded_models("llm")
model = loaded_models[0]
chat = lms.Chat("You answer questions concisely")
print(chat.add_user_message("Tell me three fruits"))
print(model.respond(chat, config={"maxTokens": 20}, on_message=chat.append))
print(chat.add_user_message("Tell me three more fruits"))
print(model.respond(chat, config={"maxTokens": 20}, on_message=chat.append))
print("Messages:", len(chat))
