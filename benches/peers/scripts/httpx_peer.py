"""All requests of a file by httpx: one client, a bounded pool, one task for each slot."""
import asyncio
import itertools
import sys

import httpx


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
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(headers=headers, limits=limits, trust_env=False) as client:

        async def slot():
            nonlocal failed
            for org, body in work:
                reply = await client.post(url, content=body.encode(), headers={"x-auth-org": org})
                failed += reply.status_code != 200

        await asyncio.gather(*(slot() for _ in range(in_flight)))
    return failed


sys.exit(1 if asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))) else 0)
