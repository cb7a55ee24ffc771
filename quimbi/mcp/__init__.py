"""The read tools over the Model Context Protocol: the REST endpoints once more, for assistants such as Claude.

a closed list (`tools`), described as in the OpenAPI document (`schemas`) -> a call is a request of ours (`calling`) ->
what an assistant speaks with (`server`)

`gate` judges who may ask over HTTP, `asgi` is what uvicorn serves. Nothing here writes.
"""
