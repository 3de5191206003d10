import asyncio

from pydantic import BaseModel

import lmchat as lms


class BookSchema(BaseModel):
    title: str
    author: str
    year: int


model = lms.llm()
book = model.respond("Tell me about The Hobbit", response_format=BookSchema, config={"seed": 1}).parsed
print("Keys:", *sorted(book))


async def main() -> None:
    async with lms.AsyncClient() as client:
        model = await client.llm.model()
        stream = await model.respond_stream("Tell me about The Hobbit", response_format=BookSchema, config={"seed": 1})
        async for fragment in stream:
            print(fragment.content, end="", flush=True)
        print()
        print("Keys:", *sorted(stream.result().parsed))


asyncio.run(main())
