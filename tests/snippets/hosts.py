import lmchat as lms

SERVER_API_HOST = lms.Client.find_default_local_api_host()
if SERVER_API_HOST is None:
    raise SystemExit("No server runs on this machine.")

if lms.Client.is_valid_api_host(SERVER_API_HOST):
    print("A server runs there.")

lms.configure_default_client(SERVER_API_HOST)
print("The same:", lms.get_default_client().api_host == SERVER_API_HOST)
lms.set_sync_api_timeout(120)
print("Timeout:", lms.get_sync_api_timeout())
print("Answers:", len(str(lms.llm().respond("Say hello.", config={"maxTokens": 5}))) > 0)
