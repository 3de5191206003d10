import sys

import lmchat as lms

image_path = sys.argv[1]
image_handle = lms.prepare_image(image_path)
model = lms.llm("qwen2-vl-2b-instruct")
chat = lms.Chat()
chat.add_user_message("Describe this image please", images=[image_handle])
print(model.respond(chat))

with lms.Client() as client:
    with open(image_path, "rb") as image_file:  # noqa: PTH123  # as people write it
        image_handle = client.files.prepare_image(image_file)
    model = client.llm.model("qwen2-vl-2b-instruct")
    chat = lms.Chat()
    chat.add_user_message("Describe this image please", images=[image_handle])
    print(model.respond(chat))
