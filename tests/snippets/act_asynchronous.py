import asyncio

import lmchat as lms


async def weather(city: str) -> str:
    """Tells the weather in a city."""
    await asyncio.sleep(0)
    return f"Sunny in {city}"


def celsius(fahrenheit: float) -> float:
    """Turns degrees Fahrenheit into degrees Celsius."""
    return round((fahrenheit - 32) / 1.8, 1)


async def main() -> None:
    async with lms.AsyncClient() as client:
        model = await client.llm.model()
        result = await model.act(
            "How is the weather in Oslo, and how much is 77 degrees Fahrenheit?",
            [weather, celsius],
            max_parallel_tool_calls=2,
            max_prediction_rounds=3,
            on_message=print,
        )
        print("Rounds:", result.rounds)


asyncio.run(main())
