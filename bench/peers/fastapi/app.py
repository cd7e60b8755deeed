"""The workloads on FastAPI, as its documentation writes such functions."""

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, EmailStr, Field
from typing import Annotated
from fastapi import Query

app = FastAPI()
KIB = b"x" * 1024
MIB = b"x" * 1024 * 1024


class User(BaseModel):
    name: Annotated[str, Field(min_length=3)]
    email: EmailStr
    age: Annotated[int, Field(ge=0, le=150)]
    tags: list[str] = []


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext():
    return "Hello, World!"


@app.get("/json")
async def json():
    return {"message": "Hello, World!"}


@app.get("/items/{id}")
async def read_item(id: int, q: str | None = None, limit: Annotated[int, Query(ge=1, le=100)] = 10):
    return {"id": id, "q": q, "limit": limit}


@app.post("/users")
async def create_user(user: User) -> User:
    return user


@app.get("/kib")
async def kib():
    return Response(KIB, media_type="application/octet-stream")


@app.get("/mib")
async def mib():
    return Response(MIB, media_type="application/octet-stream")
