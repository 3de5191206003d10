"""lmchat on a machine where nothing listens on LM Studio's usual ports: `python -m tests.other_ports ARGUMENTS`.

Tests run side by side, and one of them may serve on those ports while another must find no server.
"""

from __future__ import annotations

import runpy

from lmchat.protocol import discovery


def main() -> None:
    """Run lmchat, for which the usual ports are none."""
    vars(discovery)["API_PORTS"] = ()
    runpy.run_module("lmchat", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
