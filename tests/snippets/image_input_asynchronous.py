import asyncio
import sys

import lmchat as lms


async def main() -> None:
    async with lms.AsyncClient() as client:
        image_handle = await client.files.prepare_image(sys.argv[1])
        model = await client.llm.model("qwen2-vl-2b-instruct")
        chat = lms.Chat()
        chat.add_user_message("Describe this image please", images=[image_handle])
        print(await model.respond(chat))


asyncio.run(main())
