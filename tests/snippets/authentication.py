import os

import lmchat as lms

token = os.environ.pop("LM_API_TOKEN")

lms.configure_default_client(api_token=token)
print(lms.llm().respond("What is the meaning of life?"))

with lms.Client(api_token=token) as client:
    print(client.llm.model().respond("What is the meaning of life?"))
