import lmchat as lms

with lms.Client() as client:
    for entry in client.diagnostics.stream_logs():
        print(entry.data)
