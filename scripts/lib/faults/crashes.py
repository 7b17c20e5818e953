"""What was acknowledged outlives whoever is killed: the service, PostgreSQL, or the primary of two."""

import time

from .client import wait_for
from .clusters import wait_until
from .figures import Figure, at_least, at_most, holds, told
from .ledger import Ledger
from .world import POSTGRES, Place, World

KILLS = 3


def crash(world: World, kind: str) -> list[Figure]:
    """Kills the service three times, and PostgreSQL three times, each time in the middle of writes."""
    wanted = 2_000 if world.is_short else 10_000
    place = world.new_place(kind)
    server, _ = world.serve_with_template(place)
    ledger = Ledger(server.url, world.token)
    victims = ["service"] * KILLS + (["database"] * KILLS if kind == POSTGRES else [])
    share = wanted // (len(victims) + 1) + 1
    with ledger.writing():
        for victim in victims:
            ledger.wait_for_more(share)
            if victim == "database":
                world.cluster.kill()
                world.cluster.start()
            else:
                server.kill()
                ledger.open.clear()
                server = world.serve(place.url)
                ledger.url = server.url
                ledger.open.set()
        ledger.wait_for_more(share)
    killed = f"{KILLS} kills of the service" + (f" and {KILLS} of PostgreSQL" if kind == POSTGRES else "")
    return [
        told(killed),
        at_least("acknowledged setups", len(ledger.acknowledged), 2_000),
        *ledger.figures(server.url),
    ]


def failover(world: World, _kind: str) -> list[Figure]:
    """Kills a primary and promotes its standby, in the middle of writes."""
    primary, standby = world.new_cluster(), world.new_cluster()
    primary.create()
    primary.start()
    with primary.session() as session:
        session.rows("CREATE DATABASE predictions")
        standby.copy_of(primary)
        standby.start()
        # Only now, and only on the primary: a promoted standby has nobody to wait for.
        session.rows("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        session.rows("SELECT pg_reload_conf()")
        wait_until(session, "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'standby'", "sync")
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    url = f"postgres://postgres@{hosts}/predictions?target_session_attrs=read-write"
    server, _ = world.serve_with_template(Place(url, "predictions", world.folder))
    ledger = Ledger(server.url, world.token)
    with ledger.writing():
        ledger.wait_for_more(500)
        primary.kill()
        before = len(ledger.acknowledged)
        standby.promote()
        promoted = time.monotonic()
        resumed = wait_for(lambda: len(ledger.acknowledged) > before, "writes after the promotion")
        ledger.wait_for_more(200)
    return [
        told("kill -9 of the primary, synchronous standby promoted"),
        at_most("first write after the promotion", resumed - promoted, 5, "s"),
        holds("the process is the same", server.process.poll() is None),
        *ledger.figures(server.url),
    ]
