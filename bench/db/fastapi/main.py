"""The database workloads on FastAPI with SQLAlchemy 2, as their documentation writes such handlers.

`uvicorn main:app` with `DATABASE_URL`, `POOL` (connections of all workers together) and
`WEB_CONCURRENCY` (workers, which uvicorn reads too).
"""

import os
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class World(Base):
    __tablename__ = "world"
    id: Mapped[int] = mapped_column(primary_key=True)
    random_number: Mapped[int] = mapped_column("randomnumber")


class Fortune(Base):
    __tablename__ = "fortune"
    id: Mapped[int] = mapped_column(primary_key=True)
    message: Mapped[str]


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger)


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)


def connect():
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite:"):
        url = url.replace("sqlite:", "sqlite+aiosqlite:/", 1)
    else:
        url = url.replace("postgres:", "postgresql+asyncpg:", 1)
    workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
    engine = create_async_engine(url, pool_size=max(1, int(os.environ.get("POOL", "16")) // workers), max_overflow=0)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", set_up_sqlite)
        event.listen(engine.sync_engine, "begin", begin_immediately)
    return engine


def set_up_sqlite(connection, _record):
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def begin_immediately(connection):
    # A transaction that begins by reading and then finds that another has written meanwhile cannot
    # wait its turn: SQLite refuses it. IMMEDIATE takes the lock for writing first. Without the option,
    # the driver begins a transaction itself before the first statement that writes.
    if connection.get_execution_options().get("immediate"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


engine = connect()
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()
templates = Jinja2Templates(directory=Path(__file__).parent.parent)


async def open_session():
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]


class WorldOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    random_number: int = Field(serialization_alias="randomNumber")


class Balances(BaseModel):
    # `from` is a keyword.
    payer: int = Field(serialization_alias="from")
    payee: int = Field(serialization_alias="to")


async def find_world(id: int, session: Session):
    world = await session.get(World, id)
    if world is None:
        raise HTTPException(404)
    return world


FoundWorld = Annotated[World, Depends(find_world)]


@app.get("/world/{id}", response_model=WorldOut)
async def read_world(world: FoundWorld):
    return world


@app.get("/worlds", response_model=list[WorldOut])
async def list_worlds(start: Annotated[int, Query(alias="from")], session: Session):
    worlds = await session.scalars(select(World).where(World.id >= start).order_by(World.id).limit(20))
    return worlds.all()


@app.post("/world/{id}", response_model=WorldOut)
async def change_world(world: FoundWorld, number: int, session: Session):
    world.random_number = number
    await session.commit()
    return world


@app.post("/transfer", response_model=Balances)
async def transfer(
    payer: Annotated[int, Query(alias="from")],
    payee: Annotated[int, Query(alias="to")],
    amount: int,
    session: Session,
):
    await session.connection(execution_options={"immediate": True})
    rows = await session.scalars(
        select(Account).where(Account.id.in_((payer, payee))).order_by(Account.id).with_for_update()
    )
    accounts = {account.id: account for account in rows}
    if len(accounts) != 2:
        raise HTTPException(404)
    accounts[payer].balance -= amount
    accounts[payee].balance += amount
    session.add_all([Entry(account_id=payer, amount=-amount), Entry(account_id=payee, amount=amount)])
    await session.commit()
    return Balances(payer=accounts[payer].balance, payee=accounts[payee].balance)


@app.get("/fortunes", response_class=HTMLResponse)
async def list_fortunes(request: Request, session: Session):
    fortunes = list(await session.scalars(select(Fortune)))
    fortunes.append(Fortune(id=0, message="Additional fortune added at request time."))
    fortunes.sort(key=lambda fortune: fortune.message)
    return templates.TemplateResponse(request, "fortunes.html", {"fortunes": fortunes})
