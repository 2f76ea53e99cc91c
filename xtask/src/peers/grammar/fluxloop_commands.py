"""Prints the commands and options of the installed fluxloop-cli as JSON, without running any of them."""

import json
import sys

import typer
from fluxloop_cli.main import app


def walk(command, path):
    options = [
        {
            "names": [*parameter.opts, *parameter.secondary_opts],
            "takes_value": not parameter.is_flag,
            # What it may be, where that is a list: any other value would be refused for another reason.
            "choices": list(getattr(getattr(parameter, "type", None), "choices", None) or []),
        }
        for parameter in command.params
        if parameter.param_type_name == "option"
    ]
    yield {"path": path, "options": options}
    for name, inner in (getattr(command, "commands", None) or {}).items():
        yield from walk(inner, [*path, name])


json.dump(list(walk(typer.main.get_command(app), [])), sys.stdout)
