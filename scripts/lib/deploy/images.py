"""The image: built by buildah from a Debian that is made here, and run without privileges."""

import os
import time
import urllib.error
import urllib.request
from pathlib import Path

from faults.clusters import free_port
from faults.figures import Figure, exactly, holds, told

from .site import FILES, CannotTry, Site, end, program, run, wait_for
from .traffic import Door, Traffic

# What the short name in the file means where the image is there already.
BASE = "localhost/debian:bookworm-slim"
TAG = "localhost/prediction-api"
USER = 10_001
DATA = "/var/lib/prediction-api"
ENOUGH = 300


class Store:
    """Where buildah keeps images, which goes when the run ends."""

    def __init__(self, site: Site):
        said = ""
        # The second one copies everything for each step, and works everywhere.
        for driver in ("overlay", "vfs"):
            folder = site.new_folder("images")
            places = [f"--root={folder / 'root'}", f"--runroot={folder / 'run'}"]
            self._base = [program("buildah"), *places, f"--storage-driver={driver}"]
            code, said = run(self.command("from", "scratch"))
            code, said = (code, said) if code else run(self.command("mount", said.splitlines()[-1]))
            site.end_with(lambda base=tuple(self._base): run([*base, "rm", "--all"]))  # type: ignore[misc]
            if code == 0:
                return
        raise CannotTry(f"buildah does not work here: {' '.join(said.split())[-400:]}")

    def command(self, *arguments: str) -> list[str]:
        """How buildah is asked for something."""
        return [*self._base, *arguments]

    def run(self, *arguments: str) -> str:
        """What it said in the end."""
        code, said = run(self.command(*arguments))
        if code != 0:
            raise CannotTry(f"buildah {arguments[0]} does not work here: {' '.join(said.split())[-400:]}")
        return said.splitlines()[-1] if said else ""


def image(site: Site) -> list[Figure]:
    """examples/deploy/Dockerfile, from the stage that is run; the program is the one that is tried here."""
    if os.geteuid() != 0:
        raise CannotTry("only root can do this without settings of the machine")
    store = Store(site)
    _make_base(site, store)
    program_folder = site.new_folder("program")
    (program_folder / "program").mkdir()
    inside = program_folder / "program" / "prediction-api"
    inside.write_bytes(Path(site.program).read_bytes())
    inside.chmod(0o755)
    built, said = run(
        store.command(
            "build",
            "--pull-never",
            "--isolation=chroot",
            "--network=host",
            "--format=docker",
            # In place of the stage that compiles.
            f"--build-context=build={program_folder}",
            f"--file={FILES / 'Dockerfile'}",
            f"--tag={TAG}",
            str(site.new_folder("context")),
        )
    )
    if built != 0:
        return [exactly(f"buildah build: {' '.join(said.split())[-400:]}: exit code", built, 0)]
    user = store.run("inspect", "--type=image", "--format={{.OCIv1.Config.User}}", TAG)
    check = store.run("inspect", "--type=image", "--format={{.Docker.Config.Healthcheck.Test}}", TAG)
    return [
        told("built; the stage that compiles was not tried"),
        exactly("it runs as", user, f"{USER}:{USER}"),
        holds("it looks after its health by the program itself", "/health/live" in check),
        *_run(site, store, check),
    ]


def _make_base(site: Site, store: Store) -> None:
    """A Debian from its packages, in place of the image of a registry, under the same name."""
    archive = site.new_path("debian").with_suffix(".tar")
    # Without what nobody reads in an image.
    leave_out = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("doc", "man", "locale", "info")]
    code, said = run([program("mmdebstrap"), "--quiet", "--variant=minbase", *leave_out, "bookworm", str(archive)])
    if code != 0:
        raise CannotTry(f"no Debian could be made: {' '.join(said.split())[-400:]}")
    container = store.run("from", "scratch")
    store.run("add", container, str(archive), "/")
    store.run("commit", "--rm", container, BASE)
    archive.unlink()


def _run(site: Site, store: Store, check: str) -> list[Figure]:
    """The image under traffic, with nothing but its volume written."""
    container = store.run("from", "--pull-never", TAG)
    root = Path(store.run("mount", container))
    volume, (port, internal) = site.new_folder("volume"), (free_port(), free_port())
    secret = volume / "secret"
    secret.write_bytes((site.data / "secret").read_bytes())
    for path, mode in ((secret, 0o600), (volume, 0o700)):
        path.chmod(mode)
        os.chown(path, USER, USER)
    began = time.time()
    command = store.command(
        "run",
        "--isolation=chroot",
        "--network=host",
        "--cap-drop=all",
        f"--env=PREDICTION_API_LISTEN=127.0.0.1:{port}",
        f"--env=PREDICTION_API_LISTEN_INTERNAL=127.0.0.1:{internal}",
        f"--volume={volume}:{DATA}",
        container,
        "--",
    )
    entry = "/usr/local/bin/prediction-api"
    process = site.start("image", [*command, entry, "serve"], lambda: _is_ready(internal))
    traffic = Traffic([Door(f"http://127.0.0.1:{port}", site.token)])
    with traffic.flowing():
        wait_for(lambda: traffic.answered >= ENOUGH or traffic.failures, "traffic")
    figures = traffic.figures()
    # The words of the file, with the port that health has here.
    words = check.strip("[]").removeprefix("CMD ").replace(":9000", f":{internal}").split()
    healthy, _ = run([*command, *words])
    end(process)
    sick, _ = run([*command, *words])
    written = [
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.lstat().st_mtime > began
    ]
    # buildah puts these into each container.
    written = [name for name in written if name not in ("etc/hosts", "etc/resolv.conf", "run/.containerenv")]
    return [
        *figures,
        exactly("the check of its health while it runs: exit code", healthy, 0),
        holds(f"afterwards {sick}", sick != 0),
        exactly(f"files outside the volume that were written {written[:5] or ''}".strip(), len(written), 0),
    ]


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
