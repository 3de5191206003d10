import lmchat as lms

model = lms.llm()

prediction_stream = model.respond_stream("Write a long essay about the history of bread.")
for number, _ in enumerate(prediction_stream):
    if number == 5:
        prediction_stream.cancel()

print("Stop reason:", prediction_stream.result().stats.stop_reason)
