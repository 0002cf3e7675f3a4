"""`gta doctor`."""

import typer

from gta.cli.options import JsonOption


def doctor(as_json: JsonOption = False) -> None:
    """Say what this machine has and what of it does not work; to paste into an issue.

    Versions, GPUs, cores, memory, disks and permissions are looked at; a small clip of each kind is
    written and read again; a network is trained for two steps on each device. Names of people and
    hosts, and their folders, are left out. Exit code 1: something was found.
    """
    from gta.cli.console import Terminal, print_json
    from gta.doctor import examine

    seen = examine(report=Terminal(stderr=True))
    findings = [one for one in seen if one.finding]
    if as_json:
        rows = [{"what": one.what, "seen": one.seen, "finding": one.finding} for one in seen]
        print_json({"observed": rows, "findings": len(findings)})
    else:
        width = max(len(one.what) for one in seen)
        lines = [f"{one.what:{width}}  {one.seen}" for one in seen]
        lines += ["", *(f"! {one.what}: {one.finding}" for one in findings)]
        lines += [] if findings else ["nothing wrong was found"]
        terminal = Terminal()
        terminal.say("\n".join(["```text", *lines, "```"]))
    raise typer.Exit(1 if findings else 0)
