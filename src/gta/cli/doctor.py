"""`gta doctor`."""

import typer

from gta.cli.options import JsonOption


def doctor(as_json: JsonOption = False) -> None:
    """Check this machine and the installation; the output is for pasting into an issue.

    Versions, GPUs, cores, memory, disks and permissions are checked; a small clip of each kind is
    written and read again; a network is trained for two steps on each device. Names of people and
    hosts, and their folders, are left out. Exit code 1: there are findings.
    """
    from gta.cli.console import Terminal, print_json
    from gta.doctor import examine

    seen = examine(report=Terminal(stderr=True))
    findings = [row for row in seen if row.finding]
    if as_json:
        rows = [{"what": row.what, "seen": row.seen, "finding": row.finding} for row in seen]
        print_json({"observed": rows, "findings": len(findings)})
    else:
        width = max(len(row.what) for row in seen)
        lines = [f"{row.what:{width}}  {row.seen}" for row in seen]
        lines += ["", *(f"! {row.what}: {row.finding}" for row in findings)]
        lines += [] if findings else ["nothing wrong was found"]
        terminal = Terminal()
        terminal.say("\n".join(["```text", *lines, "```"]))
    raise typer.Exit(1 if findings else 0)
