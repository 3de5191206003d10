import asyncio

import lmchat as lms


async def main() -> None:
    async with lms.AsyncClient() as client:
        model = await client.llm.model()

        print(await model.respond("What is the meaning of life?", config={"maxTokens": 30}))

        async for fragment in model.respond_stream("What is the meaning of life?", config={"maxTokens": 30}):
            print(fragment.content, end="", flush=True)
        print()

        prediction_stream = await model.respond_stream("Write a long essay about the history of bread.")
        seen = 0
        async for _ in prediction_stream:
            seen += 1
            if seen == 5:
                await prediction_stream.cancel()
        print("Stop reason:", prediction_stream.result().stats.stop_reason)


asyncio.run(main())
