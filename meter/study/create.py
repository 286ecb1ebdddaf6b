"""A study out of finished runs: its cards, who sees which of them on which side, and its key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from meter.compare.runs import find_runs, open_run
from meter.compare.systems import check_same_data, group_by_system
from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.report.card import Card
from meter.run_folder import RunFolder
from meter.storage.fingerprint import fingerprint, plain
from meter.study.cards import Pictures, Source, Two, make_cards
from meter.study.checks import make_checks
from meter.study.design import Kind, Trial, pairs_of_systems, sheets
from meter.study.key import Key, KeyRun, KeyTrial
from meter.study.questions import WORDINGS, Question
from meter.version import __version__


@dataclass(kw_only=True, slots=True)
class CreateConfig(EnumFields):
    """A study to create."""

    runs: list[str] = field(default_factory=list)
    """Finished runs or patterns, two at least; all pairs of them are compared, on the same records."""
    split: str = "test"
    """Whose records are shown."""
    num_pairs: int = 40
    """Different pairs of cards in all, each of another record."""
    pairs_per_rater: int = 0
    """How many of them one rater sees; 0 for all. Each pair is seen by as many raters as any other, give or take
    one."""
    num_raters: int = 8
    """Sheets: each has an order and sides of its own. More raters than sheets begin again with the first sheet."""
    num_checks: int = 4
    """Pairs with an obviously right answer on each sheet: one card has the sentence and picture of another item and
    feature."""
    num_repeats: int = 4
    """Pairs that a rater sees a second time with sides exchanged; a third of the pairs at most."""
    questions: list[Question] = field(default_factory=lambda: list(Question))
    """What is asked about every pair; ``match`` and ``picture`` only where both cards have a picture."""
    pictures: Pictures = Pictures.equal
    """Which pictures the cards show."""
    seed: int = 0
    """Of the records, sheets and sides."""
    out: str = ""
    """Folder of the study; by default ``study-<id>`` beside the first run."""


@dataclass(kw_only=True, slots=True)
class ShownTrial:
    """Two cards as the page has them, by their numbers, with what is asked about them."""

    left: int
    right: int
    feature: str | None
    asked: list[Question]


@dataclass(kw_only=True, slots=True)
class Study:
    """What raters see, and the key to it.

    cards: in an order drawn at random, so that a card's number says nothing. sheets: the trials of each rater.
    """

    id: str
    questions: list[Question]
    cards: list[Card]
    sheets: list[list[ShownTrial]]
    key: Key


def create(config: CreateConfig) -> Study:
    """Draws the records and sheets of a study and makes its cards; the same config and runs give the same study.

    Raises:
        InputError: fewer than two runs, runs that cannot be compared, or a number that does not fit the others.
    """
    _check(config)
    runs = [open_run(folder) for folder in find_runs(config.runs)]
    if len(runs) < 2:
        raise InputError(f"runs: expected two finished runs at least, found {len(runs)}: runs='[A,B]'")
    _check_comparable(runs, config.split)
    by_row = [{one.row: one for one in run.generations if one.split == config.split} for run in runs]
    generator = np.random.default_rng(config.seed)
    rows = [sorted(by_row[0])[place] for place in generator.permutation(len(by_row[0]))]
    if config.num_pairs > len(rows):
        raise InputError(
            f"num_pairs={config.num_pairs}: {config.split} has {len(rows)} records; ask for fewer pairs"
        )
    systems = pairs_of_systems(len(runs), config.num_pairs)
    pairs = [
        Two(
            first=Source(run=first, generation=by_row[first][row]),
            second=Source(run=second, generation=by_row[second][row]),
        )
        for (first, second), row in zip(systems, rows, strict=False)
    ]
    unused = rows[config.num_pairs :] + rows[: config.num_pairs]
    checks = make_checks(by_row, unused, config.num_checks)
    # A system that predicts no rating would be known by that; and checks, where no pair shows one.
    pairs = [pair if pair.rated else pair.without_ratings() for pair in pairs]
    if not any(pair.rated for pair in pairs):
        checks = [check.without_ratings() for check in checks]
    drawn = sheets(
        systems,
        num_sheets=config.num_raters,
        pairs_per_sheet=config.pairs_per_rater or config.num_pairs,
        num_checks=config.num_checks,
        num_repeats=config.num_repeats,
        generator=generator,
    )
    return _study(config, runs, {Kind.pair: pairs, Kind.repeat: pairs, Kind.check: checks}, drawn, generator)


def _check(config: CreateConfig) -> None:
    """Refuses numbers that contradict each other."""
    shown = config.pairs_per_rater or config.num_pairs
    for name in ("num_pairs", "num_raters"):
        if getattr(config, name) < 1:
            raise InputError(f"{name}={getattr(config, name)}: expected 1 at least")
    for name in ("num_checks", "num_repeats", "pairs_per_rater", "seed"):
        if getattr(config, name) < 0:
            raise InputError(f"{name}={getattr(config, name)}: expected 0 at least")
    if shown > config.num_pairs:
        raise InputError(f"pairs_per_rater={shown}: expected num_pairs={config.num_pairs} at most")
    if config.num_repeats > shown // 3:
        raise InputError(
            f"num_repeats={config.num_repeats}: expected a third of the {shown} pairs at most, {shown // 3}, so that "
            "enough lies between the two showings"
        )
    if not config.questions or len(set(config.questions)) < len(config.questions):
        raise InputError("questions: expected one at least, each once")
    if config.num_checks and Question.usefulness not in config.questions:
        raise InputError(
            f"num_checks={config.num_checks}: the right answer of a check is that to 'usefulness', which questions "
            "lacks; ask it, or set num_checks=0"
        )


def _check_comparable(runs: Sequence[RunFolder], split: str) -> None:
    first = runs[0]
    for run in runs[1:]:
        if run.config.data_seed != first.config.data_seed:
            raise InputError(
                f"{first} and {run} saw different worlds (data_seed={first.config.data_seed} and "
                f"{run.config.data_seed}): cards of the same records are needed"
            )
    check_same_data(runs)
    if split not in first.splits:
        raise InputError(f"split={split}: the runs were evaluated on {', '.join(first.splits)}")


def _labels(runs: Sequence[RunFolder]) -> list[str]:
    """What tells the systems apart, and the seed where a system has several runs."""
    labels = {}
    for system in group_by_system(runs):
        for run in system.runs:
            labels[run.path] = (
                f"{system.label} seed {run.config.seed}" if len(system.runs) > 1 else system.label
            )
    return [labels[run.path] for run in runs]


def _study(
    config: CreateConfig,
    runs: Sequence[RunFolder],
    twos: dict[Kind, list[Two]],
    drawn: Sequence[Sequence[Trial]],
    generator: np.random.Generator,
) -> Study:
    sources = [
        source for kind in (Kind.pair, Kind.check) for two in twos[kind] for source in (two.first, two.second)
    ]
    order = generator.permutation(len(sources))
    numbers = {id(sources[place]): number for number, place in enumerate(order)}
    cards = make_cards([sources[place] for place in order], runs, config.pictures)
    shown, secret = [], []
    for sheet in drawn:
        shown.append([])
        secret.append([])
        for trial in sheet:
            two = twos[trial.kind][trial.number]
            sides = (two.first, two.second) if trial.first_left else (two.second, two.first)
            left, right = (numbers[id(source)] for source in sides)
            pictured = cards[left].image is not None and cards[right].image is not None
            asked = [one for one in config.questions if pictured or not WORDINGS[one].needs_pictures]
            record = two.first.generation
            shown[-1].append(ShownTrial(left=left, right=right, feature=record.feature, asked=asked))
            secret[-1].append(_secret(trial, sides, asked))
    if not any(trial.asked for sheet in shown for trial in sheet):
        raise InputError(
            "questions: all of them need pictures, and the cards show none; ask fluency or usefulness"
        )
    hashes = [run.manifest["config_hash"] for run in runs]
    settings = {name: value for name, value in plain(config).items() if name not in ("out", "runs")}
    study = fingerprint([hashes, settings, __version__])[:12]
    key = Key(
        study=study,
        dataset=runs[0].config.dataset.name,
        split=config.split,
        questions=[
            one for one in config.questions if any(one in trial.asked for sheet in shown for trial in sheet)
        ],
        runs=[
            KeyRun(label=label, path=str(run.path), config_hash=config_hash)
            for label, run, config_hash in zip(_labels(runs), runs, hashes, strict=True)
        ],
        sheets=secret,
        made={"package": __version__, **settings},
    )
    return Study(id=study, questions=key.questions, cards=cards, sheets=shown, key=key)


def _secret(trial: Trial, sides: tuple[Source, Source], asked: list[Question]) -> KeyTrial:
    record = sides[0].generation
    made = KeyTrial(kind=trial.kind, number=trial.number, row=record.row, item=record.item, asked=asked)
    if trial.kind is Kind.check:
        made.right_answer = "left" if trial.first_left else "right"
    else:
        made.left, made.right = sides[0].run, sides[1].run
    return made


def study_folder(config: CreateConfig, study: Study) -> Path:
    """Where the study is written."""
    return Path(config.out) if config.out else Path(study.key.runs[0].path).parent / f"study-{study.id}"
