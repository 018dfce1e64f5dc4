"""Reads a manifest, makes the bodies of its rows, and sends them by aiohttp: one session, one task for each slot, uvloop."""
import asyncio
import csv
import json
import re
import sys

import aiohttp
import uvloop

WHOLE = re.compile(r"-?\d+").fullmatch
WORDS = {"<null>": None, "true": True, "false": False}


def typed(cell):
    if cell in WORDS:
        return WORDS[cell]
    return int(cell) if WHOLE(cell) else cell


def column(name):
    """The operation, the path inside its settings, and how a cell is read."""
    operation, _, path = name.rpartition(":")
    return operation or "envoy", path.split("."), (lambda cell: cell.split(";")) if path.endswith("List") else typed


def requests(manifest, operations):
    with open(manifest, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        columns = [column(name) for name in next(rows)[1:]]
        for org, *cells in rows:
            settings = {}
            for (operation, (*parents, member), read), cell in zip(columns, cells):
                if cell:
                    place = settings.setdefault(operation, {})
                    for parent in parents:
                        place = place.setdefault(parent, {})
                    place[member] = read(cell)
            for operation, values in settings.items():
                to = operations[operation]
                yield org, to["path"], json.dumps({to["wrap"]: values}, separators=(",", ":"))


async def main(url, manifest, operations, in_flight):
    with open(operations, encoding="utf-8") as file:
        work = requests(manifest, json.load(file))
    headers = {
        "x-auth-scheme": "partner-api-token",
        "x-auth-apikey": "sandbox",
        "content-type": "application/json",
    }
    failed = 0
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def slot():
            nonlocal failed
            for org, path, body in work:
                async with session.post(url + path, data=body.encode(), headers={"x-auth-org": org}) as reply:
                    await reply.read()
                    failed += reply.status != 200

        await asyncio.gather(*(slot() for _ in range(in_flight)))
    return failed


sys.exit(1 if uvloop.run(main(*sys.argv[1:4], int(sys.argv[4]))) else 0)
