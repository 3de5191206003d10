"""LM Studio's own SDK: it finds `lmchat serve` without being told where it is."""

import lmstudio as lms

model = lms.llm()
for fragment in model.respond_stream("What is the meaning of life?"):
    print(fragment.content, end="", flush=True)
print()
print(model.respond("Say hello.", config={"maxTokens": 20}).stats.stop_reason)
