import asyncio

import lmchat as lms


async def main() -> None:
    async with lms.AsyncClient() as client:
        downloaded = await client.list_downloaded_models()
        for listed in downloaded:
            print(listed)
        print("LLMs:", len(await client.llm.list_downloaded()))
        print("Embedding models:", len(await client.embedding.list_downloaded()))

        model = await client.llm.model()
        print("Tokens:", len(await model.tokenize("Hello, world!")) > 0)
        print("Context length:", await model.get_context_length())
        print("Completion:", await model.complete("My name is", config={"maxTokens": 10}))

        another = await client.llm.load_new_instance("smollm2-135m-instruct", config={"contextLength": 1024})
        print("Another:", another != model)
        await another.unload()


asyncio.run(main())
