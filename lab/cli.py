"""The command `lab`: arguments and exit codes, nothing else."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from lab.commands.consent import run_command
from lab.commands.documents import begin_documents, write_error, written_code
from lab.commands.leaving import be_interruptible, end_with_make, undisturbed
from lab.commands.writing import as_long_as_read, only_english_is_readable, open_standard_streams
from lab.errors import EXIT_INTERRUPTED, EXIT_PASS, InterruptError, LabError, UsageError
from lab.report.error import show_error
from lab.settings import KNOWN_HOSTS, Settings, read_settings, require_language
from lab.text.catalog import Catalog, choose_language, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is an error like every other: one clear line in the reader's language."""

    def error(self, message: str) -> NoReturn:
        raise UsageError("usage", message=message, command=self.prog)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: see `lab --help`."""
    typed = sys.argv[1:] if arguments is None else arguments
    open_standard_streams()
    begin_documents()
    environment = {**os.environ, "LAB_LANG": "en"} if only_english_is_readable() else os.environ
    language = choose_language(environment)
    code, by_signal = EXIT_PASS, False
    failed: LabError | None = None
    try:
        be_interruptible()
        end_with_make()
        with as_long_as_read():
            require_language(os.environ)
            options = _parser(messages(language)).parse_args(typed)
            code = run_command(options, read_settings(environment))
    except LabError as error:
        failed = error
    except KeyboardInterrupt:
        written = written_code()
        if written in (None, EXIT_INTERRUPTED):
            failed, by_signal = InterruptError("interrupted"), True
        else:  # the result was out already, and says with which code this ends
            code = written
    with undisturbed(for_good=arguments is None):
        if by_signal:
            with contextlib.suppress(OSError):
                sys.stderr.write("\n")  # the terminal shows ^C
        return _tell(failed, language, typed) if failed else code


def _tell(error: LabError, language: str, typed: Sequence[str]) -> int:
    with contextlib.suppress(OSError):  # the terminal has gone
        show_error(error, language)
    write_error(error, language, typed)
    return error.exit_code


def _parser(texts: Catalog) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lab",
        description=texts.get("cli.description"),
        epilog=texts.get("cli.exit-codes"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar=texts.get("cli.metavar"), dest="name")

    def add(name: str, command: Callable[[argparse.Namespace, Settings], int]) -> argparse.ArgumentParser:
        words = texts.get(f"cli.commands.{name}")
        sub = commands.add_parser(name, help=words, description=words)
        sub.set_defaults(command=command)
        return sub

    up = add("up", _up)
    up.add_argument("--build", action="store_true", help=texts.get("cli.options.build"))
    down, reset = add("down", _down), add("reset", _reset)
    add("status", _status)
    add("images", _images).add_argument("--browser", action="store_true", help=texts.get("cli.options.browser"))
    add("doctor", _doctor).add_argument("--json", action="store_true", help=texts.get("cli.options.json"))
    add("list", _list)
    run = add("run", _run)
    _run_arguments(run, texts)
    hand = add("hand", _hand)
    hand.add_argument("number", type=int, metavar="N")
    hand.add_argument("--readme", action="store_true", help=texts.get("cli.options.readme"))
    new = add("new", _new)
    new.add_argument("number", type=int, metavar="N")
    new.add_argument("slug", metavar="SLUG", help=texts.get("cli.options.slug"))
    judge = add("judge", _judge)
    judge.add_argument("run", metavar="RUN")
    form = judge.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=texts.get("cli.options.json"))
    form.add_argument("--picture", metavar="FILE.svg", type=Path, help=texts.get("cli.options.picture"))
    judge.add_argument("--steps", metavar="STEP,…", default="", help=texts.get("cli.options.steps"))
    _report_arguments(add("report", _report), texts)
    claims = add("claims", _claims)
    claims_form = claims.add_mutually_exclusive_group()
    claims_form.add_argument("--json", action="store_true", help=texts.get("cli.options.json"))
    claims_form.add_argument("--markdown", action="store_true", help=texts.get("cli.options.markdown"))
    claims_form.add_argument("--pages", action="store_true", help=texts.get("cli.options.pages"))
    add("watch", _watch)
    add("live", _live).add_argument("--json", action="store_true", help=texts.get("cli.options.json-lines"))
    shell = add("shell", _shell)
    shell.add_argument("host", choices=KNOWN_HOSTS)
    shell.add_argument("--root", action="store_true", help=texts.get("cli.options.root"))
    explain = add("explain", _explain)
    explain.add_argument("word", nargs="*", metavar="WORD", help=texts.get("cli.options.word"))
    conform = add("conform", _conform)
    conform.add_argument("server", nargs="*", metavar="SERVER")
    conform.add_argument("--case", metavar="CASE", action="append", default=[], help=texts.get("cli.options.case"))
    conform.add_argument("--json", action="store_true", help=texts.get("cli.options.json"))
    conform.add_argument("--build", action="store_true", help=texts.get("cli.options.build"))
    for changing in (up, down, reset, run, shell, conform):
        changing.add_argument("--yes", action="store_true", help=texts.get("cli.options.yes"))
    return parser


def _run_arguments(run: argparse.ArgumentParser, texts: Catalog) -> None:
    what = run.add_mutually_exclusive_group(required=True)
    what.add_argument("number", type=int, metavar="N", nargs="?")
    what.add_argument("--all", action="store_true", help=texts.get("cli.options.all"))
    form = run.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=texts.get("cli.options.json"))
    form.add_argument("--timeline", action="store_true", help=texts.get("cli.options.timeline-too"))
    run.add_argument("--build", action="store_true", help=texts.get("cli.options.build"))
    run.add_argument("--server", metavar="PROGRAM", help=texts.get("cli.options.server"))
    run.add_argument(
        "--stand-in", metavar="OLD=NEW", action="append", default=[], help=texts.get("cli.options.stand-in")
    )


def _report_arguments(report: argparse.ArgumentParser, texts: Catalog) -> None:
    report.add_argument("run", metavar="RUN")
    form = report.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="FILE.html", type=Path, help=texts.get("cli.options.html"))
    form.add_argument("--timeline", action="store_true", help=texts.get("cli.options.timeline"))
    form.add_argument("--svg", metavar="FILE.svg", type=Path, help=texts.get("cli.options.svg"))
    form.add_argument("--machine", metavar="FILE.svg", type=Path, help=texts.get("cli.options.machine"))
    form.add_argument("--pcapng", metavar="FILE", type=Path, help=texts.get("cli.options.pcapng"))
    report.add_argument("--client", metavar="CLIENT,…", default="", help=texts.get("cli.options.client"))
    report.add_argument("--step", metavar="STEP", help=texts.get("cli.options.step"))


def _up(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.starting import up  # noqa: PLC0415 - each command imports what it alone needs

    return up(settings, build=options.build)


def _down(_: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.hosts import down  # noqa: PLC0415

    return down(settings)


def _reset(_: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.hosts import reset  # noqa: PLC0415

    return reset(settings)


def _status(_: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.hosts import status  # noqa: PLC0415

    return status(settings)


def _images(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.starting import images  # noqa: PLC0415

    return images(settings, browser=options.browser)


def _shell(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.hosts import shell  # noqa: PLC0415

    return shell(settings, options.host, root=options.root)


def _watch(_: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.watch import watch  # noqa: PLC0415

    return watch(settings)


def _live(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.live import live  # noqa: PLC0415

    return live(settings, as_json=options.json)


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.doctor import doctor  # noqa: PLC0415

    return doctor(settings, as_json=options.json)


def _list(_: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.reading import list_exercises  # noqa: PLC0415

    return list_exercises(settings)


def _hand(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.reading import by_hand  # noqa: PLC0415

    return by_hand(settings, options.number, readme=options.readme)


def _new(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.new import new  # noqa: PLC0415

    return new(settings, options.number, options.slug)


def _explain(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.reading import explain  # noqa: PLC0415

    return explain(settings, " ".join(options.word))


def _conform(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.conform import conform  # noqa: PLC0415

    return conform(settings, options.server, options.case, as_json=options.json, build=options.build)


def _run(options: argparse.Namespace, settings: Settings) -> int:
    if options.all:
        return _run_all(options, settings)
    from lab.commands.progress import progress  # noqa: PLC0415
    from lab.hosts.connection import Connection  # noqa: PLC0415
    from lab.shelf import exercise_folder  # noqa: PLC0415

    exercise_folder(options.number)  # nobody is rung for an exercise that there is not
    with Connection(settings, say=progress(settings)) as connection:
        # The hosts answer while this is loaded.
        from lab.commands.runs import run  # noqa: PLC0415
        from lab.commands.standing import read_stand_ins  # noqa: PLC0415
        from lab.loading import load_exercise  # noqa: PLC0415

        exercise = load_exercise(options.number)
        stand_ins = read_stand_ins(exercise.subject, options.server, options.stand_in)
        return run(
            settings,
            exercise,
            connection,
            as_json=options.json,
            stand_ins=stand_ins,
            build=options.build,
            timeline=options.timeline,
        )


def _run_all(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.series import run_all  # noqa: PLC0415

    if options.server is not None or options.stand_in:
        raise UsageError("stand-in-for-all")
    if options.timeline:
        raise UsageError("timeline-for-all")
    return run_all(settings, as_json=options.json, build=options.build)


def _judge(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.runs import draw_saved, judge_saved  # noqa: PLC0415

    if options.picture is not None:
        return draw_saved(settings, options.run, options.picture, [step for step in options.steps.split(",") if step])
    return judge_saved(settings, options.run, as_json=options.json)


def _report(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands import report  # noqa: PLC0415

    clients = [client for client in options.client.split(",") if client]
    if options.timeline:
        return report.show_timeline(settings, options.run, clients, options.step)
    if options.svg is not None:
        return report.draw_timeline(settings, options.run, options.svg, clients, options.step)
    if options.step is not None:
        raise UsageError("step-of-what")
    if options.machine is not None:
        return report.draw_machine(settings, options.run, options.machine, clients)
    if clients:
        raise UsageError("client-of-what")
    if options.pcapng is not None:
        return report.write_packets(settings, options.run, options.pcapng)
    return report.write_page(settings, options.run, options.html)


def _claims(options: argparse.Namespace, settings: Settings) -> int:
    from lab.commands.claims import claims  # noqa: PLC0415
    from lab.shelf import EXERCISES  # noqa: PLC0415

    return claims(settings, as_json=options.json, markdown=options.markdown, pages=EXERCISES if options.pages else None)


if __name__ == "__main__":
    sys.exit(main())
