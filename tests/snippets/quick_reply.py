import lmchat as lms

model = lms.llm()
print(model.respond("What is the meaning of life?"))
