import lmchat as lms

model = lms.llm()

chat = lms.Chat("You are a resident AI philosopher.")
chat.add_user_message("What is the meaning of life?")
result = model.respond(chat)

print(result)
