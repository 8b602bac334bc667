"""``roish-kernel``: installs the kernel in Jupyter."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import tempfile

import click

from pyroi.install import how_to_add

#: Starts the kernel as `python -m` does, but without the notebook's folder among those of modules: a file there may
#: have the name of any.
START = (
    "import sys; del sys.path[0]; import runpy; "
    "runpy.run_module('tclcmd.notebook', run_name='__main__', alter_sys=True)"
)

#: Jupyter's description of a kernel: its command line and its name.
SPECIFICATION = {
    "argv": [sys.executable, "-c", START, "-f", "{connection_file}"],
    "display_name": "roish (Tcl)",
    "language": "tcl",
    "interrupt_mode": "signal",
}

NAME = "roish"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The kernel of roish for Jupyter."""


@main.command()
@click.option("--user", "place", flag_value="user", help="For this user, wherever Jupyter is installed.")
@click.option("--sys-prefix", "place", flag_value="sys-prefix", help="For the environment of this Python; the default.")
@click.option("--prefix", metavar="FOLDER", help="For the environment in this folder.")
@click.option("--name", default=NAME, show_default=True, help="The name by which Jupyter knows it.")
def install(place: str | None, prefix: str | None, name: str) -> None:
    """Lets Jupyter find the kernel, which it then starts with this Python."""
    if place and prefix:
        raise click.UsageError(f"--{place} and --prefix are two places")
    try:
        import ipykernel  # noqa: F401  which the kernel will need
        from jupyter_client.kernelspec import KernelSpecManager
    except ModuleNotFoundError:
        sys.exit(f"roish-kernel: Jupyter needs ipykernel: {how_to_add('jupyter')}")
    manager, is_user = KernelSpecManager(), place == "user"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "kernel.json").write_text(json.dumps(SPECIFICATION, indent=1), encoding="utf-8")
        os.chmod(folder, 0o755)  # the copy has it too, and others may use it
        try:
            where = manager.install_kernel_spec(
                folder, name, user=is_user, prefix=None if is_user else prefix or sys.prefix
            )
        except OSError as error:
            sys.exit(f"roish-kernel: cannot write the kernel's folder: {error}")
        except ValueError as error:  # of the name
            raise click.UsageError(str(error)) from None
    click.echo(f"installed as {name} in {where}")


if __name__ == "__main__":
    main()
