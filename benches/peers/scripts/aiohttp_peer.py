"""All requests of a file by aiohttp: one session, a bounded pool, one task for each slot."""
import asyncio
import itertools
import sys

import aiohttp


async def main(url, file, orgs, in_flight):
    with open(file, encoding="utf-8") as lines:
        requests = [line.rstrip("\n").split("\t", 1) for line in itertools.islice(lines, orgs)]
    headers = {
        "x-auth-scheme": "partner-api-token",
        "x-auth-apikey": "sandbox",
        "content-type": "application/json",
    }
    failed = 0
    work = iter(requests)
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def slot():
            nonlocal failed
            for org, body in work:
                async with session.post(url, data=body.encode(), headers={"x-auth-org": org}) as reply:
                    await reply.read()
                    failed += reply.status != 200

        await asyncio.gather(*(slot() for _ in range(in_flight)))
    return failed


sys.exit(1 if asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))) else 0)
