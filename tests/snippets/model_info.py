import lmchat as lms

model = lms.llm()
print(model.get_info())
print("Context length:", model.get_context_length())
print("Loaded with:", model.get_load_config())
print("Template:", model.apply_prompt_template("What is LM Studio?"))
