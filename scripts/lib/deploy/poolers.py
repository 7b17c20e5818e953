"""PgBouncer between two replicas and PostgreSQL, in the modes that the service supports."""

from faults.clusters import free_port
from faults.figures import Figure, at_least, holds, told
from faults.session import Session

from .site import CannotTry, Site, listens, render, wait_for
from .traffic import Door, Traffic

ENOUGH = 500
PASSWORD = "of-the-trial"
ROLE = "predictions"


def pgbouncer(site: Site) -> list[Figure]:
    """examples/deploy/pgbouncer.ini, both of its databases."""
    if site.tools.pgbouncer is None:
        raise CannotTry("pgbouncer is not installed")
    with site.cluster.session() as session:
        session.rows(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
    database = site.new_database(ROLE)
    folder, port = site.new_folder("pgbouncer"), free_port()
    users = folder / "userlist.txt"
    users.write_text(f'"{ROLE}" "{PASSWORD}"\n')
    changes = {
        "host=10.0.0.21 port=5432 dbname=predictions": f"host=127.0.0.1 port={site.cluster.port} dbname={database}",
        "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1\nunix_socket_dir =",
        "listen_port = 6432": f"listen_port = {port}",
        "/etc/pgbouncer/userlist.txt": str(users),
    }
    file = folder / "pgbouncer.ini"
    file.write_text(render("pgbouncer.ini", changes))
    site.start("pgbouncer", [str(site.tools.pgbouncer), str(file)], lambda: listens(port), site.tools.user)
    figures = []
    for name, mode in (("predictions", "transaction"), ("predictions_by_session", "session")):
        place = site.serve(f"postgres://{ROLE}:{PASSWORD}@127.0.0.1:{port}/{name}", f"--database-pooling={mode}")
        traffic = Traffic([Door(replica.url, site.token) for replica in place.replicas], name)
        with traffic.flowing():
            wait_for(lambda now=traffic: now.answered >= ENOUGH or now.failures, f"traffic in {mode} mode")  # type: ignore[misc]
        with site.cluster.session() as session:
            sessions = _sessions(session, database)
        figures += [told(f"{mode} mode"), *traffic.figures()]
        figures.append(holds(f"by {sessions} connections to PostgreSQL", sessions > 0))
        figures.append(at_least("log lines of a pooler", _told_of_pooler(place.replicas[0].log.read_text()), 1))
        for replica in place.replicas:
            replica.stop()
    return figures


def _sessions(session: Session, database: str) -> int:
    return int(session.value(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'") or 0)


def _told_of_pooler(log: str) -> int:
    return sum("pooler" in line for line in log.splitlines())
