from typing import Any

import lmchat as lms


def typed(a: int, b: int) -> int:
    return a + b


def untyped(a: Any, b: Any) -> Any:
    return a * b


tools: list[lms.ToolDefinition] = [
    lms.ToolFunctionDef.from_callable(typed, name="add", description="Gives the sum of a and b."),
    lms.ToolFunctionDef(
        name="multiply",
        description="Gives the product of a and b.",
        parameters={"a": int, "b": {"type": int, "default": 2}},
        implementation=untyped,
    ),
    {
        "name": "greet",
        "description": "Greets somebody.",
        "parameters": {"name": str},
        "implementation": lambda name: f"Hello, {name}!",
    },
]

chat = lms.Chat("You use tools for everything.")
chat.add_user_message("Add 1 and 2, double 4, and greet Ada.")
lms.llm().act(chat, tools, max_parallel_tool_calls=None, on_message=chat.append)
print(chat)
