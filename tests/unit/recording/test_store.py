from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import EXIT_INCONCLUSIVE, EXIT_USAGE, EvidenceError, UsageError
from lab.judge.segments.ladders import segments
from lab.judge.sockets.tables import sockets
from lab.judge.verdict import Verdict
from lab.recording.captures import BETWEEN, recording_of
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.play import Action, Exit, Output, Stopped
from lab.recording.run import Run
from lab.recording.saved import FORMAT, saved_form
from lab.recording.store import load, save
from lab.settings import ROOT
from lab.timeline.build import build_timeline
from tests.unit.judge.builders import (
    BEGUN,
    OPEN,
    TALK,
    Talk,
    capture,
    evidence,
    sampling,
    snapshot,
    ss,
)

FULL = evidence(
    actions=(Action("connects", BEGUN, "a", "connect", "prompt 192.168.1.102 8000"),),
    outputs=(Output(BEGUN, "a", "stdout", "中文 \udc80 \x1b[1m"),),
    samplings=(sampling(ss(), "@ 1 ns, 6 characters\nState\n", "", "no newline at the end"),),
    stopped=Stopped("connects", "a", "no-answer", "hello"),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return the folder of a saved run."""
    folder = tmp_path / "runs" / "ex03" / "one"
    save(FULL, folder)
    return folder


def rewrite(run: Path, change: Any) -> None:
    path = run / EVIDENCE_FILE
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def refused(run: Path) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        load(run)
    error = caught.value
    assert error.exit_code == EXIT_INCONCLUSIVE
    assert error.what("en") != error.what("zh-CN")
    assert error.remedy("en") != error.remedy("zh-CN")
    return error


def test_what_is_loaded_equals_what_was_saved(run: Path) -> None:
    assert load(run) == FULL


def test_a_run_keeps_the_raw_outputs_as_files_of_their_own(run: Path) -> None:
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert files == {
        "evidence.json",
        "server.pcap",
        "client.pcap",
        "ss/connected.server.txt",
        "ss/connected.client.txt",
        "samples/frozen.server.txt",
    }
    assert (run / "ss/connected.server.txt").read_text(encoding="utf-8") == saved_form(FULL).snapshots[0].text
    assert (run / "server.pcap").read_bytes() == FULL.recording.captures[0].data
    assert list(run.parent.iterdir()) == [run]


def test_saving_twice_writes_the_same_bytes(run: Path, tmp_path: Path) -> None:
    save(load(run), tmp_path / "again")
    for path in run.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(run)).read_bytes()


def test_a_saved_run_is_judged_like_the_live_one(run: Path) -> None:
    for expectation in (
        sockets("connected", on="server", id="s", table="State  Peer\nLISTEN  *\nESTAB  client:a"),
        segments("a", id="l", ladder="client:a > server S"),
    ):
        assert expectation.judge(load(run)) == expectation.judge(FULL)


NUMBERS = st.integers(-(2**70), 2**70)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(), max_size=4),
    outputs=st.lists(st.builds(Output, NUMBERS, st.text(), st.text(), st.text()), max_size=3),
    exits=st.lists(st.builds(Exit, NUMBERS, st.text(), NUMBERS), max_size=3),
    environment=st.dictionaries(st.text(), st.text(), max_size=4),
    waited_for=st.none() | st.text(),
)
def test_any_texts_and_numbers_survive_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    outputs: list[Output],
    exits: list[Exit],
    environment: dict[str, str],
    waited_for: str | None,
) -> None:
    record = evidence(
        snapshots=tuple(snapshot(str(n), "server", text=text, waited_for=waited_for) for n, text in enumerate(texts)),
        samplings=(sampling(*texts),),
        outputs=tuple(outputs),
        exits=tuple(exits),
        environment=environment,
    )
    folder = tmp_path_factory.mktemp("run") / "one"
    save(record, folder)
    assert load(folder) == record


def test_a_path_that_is_no_run_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError) as caught:
            load(path)
        assert caught.value.exit_code == EXIT_USAGE
        assert str(path) in caught.value.what()


@pytest.mark.parametrize("file", ["server.pcap", "ss/connected.client.txt", "samples/frozen.server.txt"])
def test_a_file_that_is_missing_is_named(run: Path, file: str) -> None:
    (run / file).unlink()
    error = refused(run)
    assert (error.code, error.params["file"]) == ("evidence-file-missing", file)


def test_a_file_name_that_no_disk_has_is_named(run: Path) -> None:
    rewrite(run, lambda document: document["snapshots"][0].update(file="ss/\ud800"))
    assert refused(run).params["file"] == r"'ss/\ud800'"


def test_a_file_that_cannot_be_read_is_named(run: Path) -> None:
    path = run / "ss/connected.server.txt"
    path.write_bytes(b"State \xff\xff")
    assert refused(run).params["file"] == "ss/connected.server.txt"
    path.unlink()
    path.mkdir()
    assert refused(run).code == "evidence-file-irregular"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{\n  "format": 1,\n  "exercise" "ex03"}', 3, 14), ("", 1, 1), ('{"format": 1', 1, 13), ("[" * 100_000, 1, 1)],
)
def test_damaged_json_names_the_line_and_the_column(run: Path, text: str, line: int, column: int) -> None:
    (run / EVIDENCE_FILE).write_text(text, encoding="utf-8")
    error = refused(run)
    assert (error.code, error.params["line"], error.params["column"]) == ("evidence-not-json", line, column)


@pytest.mark.parametrize("text", ["[]", "null", "1" * 5000, '{"format": ' + "1" * 5000 + "}", '{"format": NaN}'])
def test_json_that_is_no_evidence_is_refused(run: Path, text: str) -> None:
    (run / EVIDENCE_FILE).write_text(text, encoding="utf-8")
    refused(run)


def test_a_newer_format_is_named_with_the_newest_known(run: Path) -> None:
    rewrite(run, lambda document: document.update(format=99))
    error = refused(run)
    assert (error.code, error.params["version"], error.params["known"]) == ("evidence-format", 99, FORMAT)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda d: d.update(begun_ns="now"), "begun_ns"),
        (lambda d: d.update(begun_ns=True), "begun_ns"),
        (lambda d: d.update(ended_ns=10**400), "ended_ns"),
        (lambda d: d["snapshots"][1].update(timed_out=1), "snapshots[1].timed_out"),
        (lambda d: d["parties"][1]["local"].update(port="58132"), "parties[1].local.port"),
        (lambda d: d["samplings"][0]["samples"][2].pop("time_ns"), "samplings[0].samples[2].time_ns"),
        (lambda d: d["lab"].pop("subnet"), "lab.subnet"),
        (lambda d: d["counters"][0]["values"].update(TcpPassiveOpens=1.5), "counters[0].values.TcpPassiveOpens"),
        (lambda d: d["captures"].append({}), "captures[2].host"),
        (lambda d: d.pop("files"), "files"),
        (lambda d: d["files"]["server.pcap"].update(bytes="many"), "files.server.pcap.bytes"),
        (lambda d: d["captures"][0].update(extra=1), "captures[0].extra"),
        (lambda d: d.pop("format"), "format"),
        (lambda d: d.update(format="1"), "format"),
    ],
)
def test_a_field_that_is_missing_or_of_the_wrong_type_is_named_by_its_path(run: Path, change: Any, path: str) -> None:
    rewrite(run, change)
    assert refused(run).params["path"] == path


@pytest.mark.parametrize("place", ["/etc/passwd", "../../evidence.json", "", "ss/\0", "ss/../../x"])
def test_a_record_never_reaches_outside_of_its_own_folder(run: Path, place: str) -> None:
    rewrite(run, lambda document: document["snapshots"][0].update(file=place))
    assert refused(run).code == "evidence-file-outside"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-5],
        lambda text: "x" + text,
        lambda text: text.replace("@ ", "# ", 1),
        lambda text: text.replace("characters", "bytes", 1),
        lambda _: "",
    ],
)
def test_a_sampling_that_was_cut_or_changed_is_named(run: Path, change: Any) -> None:
    path = run / "samples/frozen.server.txt"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    error = refused(run)
    assert (error.code, error.params["file"]) == ("sampling-damaged", "samples/frozen.server.txt")


def test_a_truncated_capture_names_the_packet(run: Path) -> None:
    path = run / "server.pcap"
    path.write_bytes(path.read_bytes()[:-3])
    error = refused(run)
    assert (error.code, error.params["where"], error.params["packet"]) == ("capture-truncated", "server.pcap", 7)


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(capture("server", *OPEN).data, id="other frames"),
        pytest.param(
            capture("server", frames=Talk(server=Talk().server._replace(address="10.0.0.9")).frames(*OPEN, *TALK)).data,
            id="other hosts",
        ),
    ],
)
def test_a_foreign_capture_is_named(run: Path, foreign: bytes) -> None:
    (run / "client.pcap").write_bytes(foreign)
    error = refused(run)
    assert (error.code, error.params["file"]) == ("capture-of-another-run", "client.pcap")


def test_what_a_dead_tcpdump_left_is_for_the_judge_to_say(tmp_path: Path) -> None:
    torn = capture("server", *OPEN, *TALK, died=True, received=0)
    torn = replace(torn, content=torn.data[:-3])
    record = evidence(captures=(torn, capture("client", *OPEN, *TALK)))
    save(record, tmp_path / "one")
    result = segments("a", id="l", ladder="").judge(load(tmp_path / "one"))
    assert result.verdict is Verdict.INCONCLUSIVE


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value within a document but the whole."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [deeper for key, each in inner for deeper in [(*path, key), *paths(each, (*path, key))]]


OPEN_TABLES = {("environment",), ("lab", "addresses"), ("counters", 0, "values"), ("counters", 1, "values")}
"""Members of these come and go; what is left is a run all the same."""


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_mutation_of_the_evidence_is_an_evidence_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = tmp_path_factory.getbasetemp() / "mutated"
    if not run.exists():
        save(FULL, run)
        shutil.copy(run / EVIDENCE_FILE, run / "good.json")
    document = json.loads((run / "good.json").read_text(encoding="utf-8"))
    *inner, last = data.draw(st.sampled_from(paths(document)))
    holder = document
    for key in inner:
        holder = holder[key]
    change = data.draw(st.sampled_from(["drop", {"no": ["such"]}, [{"no": 1}], 1.5, False]))
    if change == "drop":
        if isinstance(holder, list) or tuple(inner) in OPEN_TABLES:
            return
        del holder[last]
    elif type(change) is type(holder[last]):
        return
    else:
        holder[last] = change
    (run / EVIDENCE_FILE).write_text(json.dumps(document), encoding="utf-8")
    refused(run)


def test_two_records_never_share_a_file(tmp_path: Path) -> None:
    twice: Run = evidence(snapshots=(snapshot("x", "server"), snapshot("x", "server")))
    with pytest.raises(ValueError, match=r"ss/x\.server\.txt"):
        save(twice, tmp_path / "one")
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_the_first_version_lacks_what_came_later(run: Path) -> None:
    def as_it_was(document: dict[str, Any]) -> None:
        document["format"] = 1
        for later in ("traces", "usages", "stand_ins", "host_usages", "files"):
            del document[later]

    rewrite(run, as_it_was)
    assert load(run) == FULL


@pytest.mark.parametrize("name", ["transfer", "ipv6", "port-reuse"])
def test_a_recording_without_a_play_is_a_run_too(name: str, tmp_path: Path) -> None:
    data = (ROOT / "tests" / "fixtures" / "captures" / f"{name}.pcap").read_bytes()
    run = Run(recording_of({BETWEEN: data}))
    save(run, tmp_path / "run")
    again = load(tmp_path / "run")
    assert (again, again.played) == (run, False)
    assert build_timeline(again.recording).talks == build_timeline(run.recording).talks != ()
