"""`terrarium COMMAND ...`, or `python -m experiments COMMAND ...`: one name for the commands of this project.

    terrarium run task=markov task.num_rules=300
    terrarium reproduce markov/threshold/cpu
    eval "$(terrarium completion)"                   completes words in this Bash

Each command is a module that runs by itself too: `terrarium run` is `python -m experiments.run`.
"""

from __future__ import annotations

import runpy
import shlex
import sys

from experiments.errors import ConfigError, command

COMMANDS = {
    "run": ("experiments.run", "do one run, or with -m a sweep"),
    "reproduce": ("experiments.reproduce", "run what is missing of a study, judge its claim, draw its figure"),
    "preview": ("experiments.preview", "show examples of a task"),
    "export": ("experiments.export", "write examples of a task to a file"),
    "results": ("experiments.results", "print the scores of a folder of runs, or write them to a file"),
    "plot": ("experiments.plot", "make a table and a figure of a folder of runs"),
    "report": ("paper.report", "write the page of all recorded results"),
}

# A command is completed by Hydra, which is asked as if `run` were the program. Studies are completed for `reproduce`.
_BASH = """\
_terrarium() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" first=1
  if [[ ${{COMP_WORDS[0]}} == *python* ]]; then
    [[ "${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}}" == "-m experiments"* ]] || return
    first=3
  fi
  local name="${{COMP_WORDS[first]}}"
  [[ $first == 3 && ${{COMP_WORDS[2]}} == experiments.* ]] && {{ first=2; name="${{COMP_WORDS[2]#experiments.}}"; }}
  if (( COMP_CWORD == first )); then
    [[ $first == 2 ]] || COMPREPLY=($(compgen -W "{commands}" -- "$word"))
  elif [[ $word == study=* ]]; then
    COMPREPLY=($(compgen -P study= -W "$({run} completion studies)" -- "${{word#study=}}"))
  elif [[ $name == run || $name == preview || $name == export ]]; then
    local line="run ${{COMP_WORDS[*]:first+1}}"
    [[ -z $word ]] && line+=" "
    COMPREPLY=($(compgen -o nospace -W "$(COMP_LINE="$line" {run} run -sc query=bash 2>/dev/null)" -- "$word"))
  elif [[ $name == reproduce ]]; then
    COMPREPLY=($(compgen -W "$({run} completion studies)" -- "$word"))
  fi
}}
COMP_WORDBREAKS=${{COMP_WORDBREAKS//=}}
complete -o nospace -o default -F _terrarium terrarium python python3 .venv/bin/python
"""


def main() -> int:
    """Runs the command that the first word names, with the words after it."""
    name, words = (sys.argv[1] if len(sys.argv) > 1 else "--help"), sys.argv[2:]
    if name == "completion":
        print(_completion(words), end="")
    elif name in ("-h", "--help"):
        print(_help())
    elif name not in COMMANDS:
        from experiments.settings_file import near

        names = [*COMMANDS, "completion"]
        raise ConfigError(f"{name}: there is no such command{near(name, names)}; allowed: {', '.join(names)}")
    else:
        sys.argv = [f"terrarium {name}", *words]
        runpy.run_module(COMMANDS[name][0], run_name="__main__", alter_sys=True)
    return 0


def _help() -> str:
    rows = [
        *((name, text) for name, (_, text) in COMMANDS.items()),
        ("completion", "print what completes words in Bash"),
    ]
    lines = "\n".join(f"  {name:<12}{text}" for name, text in rows)
    return f"usage: terrarium COMMAND ...\n\n{lines}\n\n`terrarium COMMAND --help` says more."


def _completion(words: list[str]) -> str:
    """Returns the function for Bash, or what it asks for: the names of all studies."""
    if words == ["studies"]:
        from experiments import settings

        return "\n".join(settings.studies()) + "\n"
    run = shlex.join([sys.executable, "-m", "experiments"])
    return _BASH.format(commands=" ".join([*COMMANDS, "completion"]), run=run)


console = command(main)

if __name__ == "__main__":
    console()
