"""`seqgen studio`: a page on this machine that plays with models, and its server; only it imports starlette, uvicorn.

A room of the page is one module in `rooms/` (its routes and messages) and one file in `static/rooms/` (its looks).
"""
