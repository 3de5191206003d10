import lmchat as lms

model = lms.llm("smollm2-135m-instruct")
print(model.respond("Say hello.", config={"maxTokens": 20}))
