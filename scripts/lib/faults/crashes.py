"""What was acknowledged outlives the process that is killed: the service, PostgreSQL, or the primary of two."""

import time

from .client import wait_for
from .clusters import Cluster, wait_until
from .figures import Figure, at_least, exactly, holds, told, within
from .ledger import Ledger
from .world import POSTGRES, Place, World

KILLS = 3


def crash(world: World, kind: str) -> list[Figure]:
    """Kills the service three times, and PostgreSQL three times, each time in the middle of writes."""
    wanted = 1_000 if world.is_short else 10_000
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
        at_least("acknowledged setups", len(ledger.acknowledged), wanted),
        *ledger.figures(server.url),
    ]


def _pair(world: World) -> tuple[Cluster, Cluster, Place]:
    """A primary with a synchronous standby, and a database on them for which there is one URL."""
    primary, standby = world.new_cluster(), world.new_cluster()
    primary.create()
    primary.start()
    with primary.session() as session:
        session.rows("CREATE DATABASE predictions")
        standby.copy_of(primary)
        standby.start()
        # Only now, and only on the primary: a promoted standby waits for no other server.
        session.rows("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        session.rows("SELECT pg_reload_conf()")
        wait_until(session, "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'standby'", "sync")
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    url = f"postgres://postgres@{hosts}/predictions?target_session_attrs=read-write"
    return primary, standby, Place(url, "predictions", world.folder)


def failover(world: World, _kind: str) -> list[Figure]:
    """Kills a primary and promotes its standby, in the middle of writes."""
    primary, standby, place = _pair(world)
    server, _ = world.serve_with_template(place)
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
        within("first write after the promotion", resumed - promoted, 5),
        holds("the process is the same", server.process.poll() is None),
        *ledger.figures(server.url),
    ]


def frozen_failover(world: World, _kind: str) -> list[Figure]:
    """Freezes a primary for good, so that connections stay and are not answered, and promotes its standby."""
    primary, standby, place = _pair(world)
    server, _ = world.serve_with_template(place)
    ledger = Ledger(server.url, world.token)

    def is_ready() -> bool:
        # On a connection of its own: one that is kept may have been idle for too long.
        caller = world.caller(server)
        try:
            return caller.ask("GET", "/health/ready").status == 200
        finally:
            caller.close()

    with ledger.writing():
        ledger.wait_for_more(500)
        primary.freeze()
        frozen = time.monotonic()
        # The service has noticed, and the callers that waited have been told.
        wait_for(lambda: not is_ready(), "the service says that it is not ready")
        before = len(ledger.acknowledged)
        standby.promote()
        promoted = time.monotonic()
        # Others, since those from before wait for answers that will not come, until the deadline of a setup.
        with ledger.writing():
            resumed = wait_for(lambda: len(ledger.acknowledged) > before, "writes after the promotion")
            ready = wait_for(is_ready, "the service says that it is ready")
            ledger.wait_for_more(200)
        # From now on it stays so, though what hangs was not ended.
        unready = sum(not is_ready() for _ in range(50))
    return [
        told(f"primary frozen for good, synchronous standby promoted after {promoted - frozen:.1f} s"),
        within("first write after the promotion", resumed - promoted, 5),
        within("ready after the promotion", ready - promoted, 5),
        exactly("of 50 later looks, not ready", unready, 0),
        holds("the process is the same", server.process.poll() is None),
        *ledger.figures(server.url),
    ]
