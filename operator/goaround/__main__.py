"""The command line: `python -m goaround operator | flags`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from goaround import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of the chosen command; 2 for a usage or configuration error."""
    parser = argparse.ArgumentParser(prog="goaround", description=__doc__)
    parser.add_argument("--version", action="version", version=f"goaround {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    operator = commands.add_parser("operator", help="decide and record what each feature does")
    flags = commands.add_parser("flags", help="serve the decisions as a flag stream")
    chosen = (argv if argv is not None else sys.argv[1:])[:1]
    # each process imports only what it runs: the flag server must not load kopf
    if chosen == ["flags"]:
        from goaround.runtime import flags as flag_server

        flag_server.add_arguments(flags)
        return asyncio.run(flag_server.serve(parser.parse_args(argv)))
    from goaround.runtime import app
    from goaround.runtime.config import ConfigError

    app.add_arguments(operator)
    args = parser.parse_args(argv)
    try:
        return app.main(args)
    except ConfigError as err:
        parser.exit(2, f"goaround: {err}\n")


if __name__ == "__main__":
    sys.exit(main())
