"""The page, in Gradio: pick a user, an item and a feature word; what follows appears as it is generated."""

import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from meter.errors import InputError
from meter.play.answers import LIKELIEST, Answers, words_of
from meter.report import Card
from meter.report.rendering import asset

if TYPE_CHECKING:
    import gradio

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1, "show_progress": "hidden"}
"""Two people who ask at once wait for each other: there is one model, and its answer takes all cores."""


def gradio_library() -> Any:
    """Gradio, silent towards its makers. Raises InputError where it is not installed."""
    import os

    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio
    except ImportError as absent:
        raise InputError("the playground needs Gradio: pip install 'meter-explain[play]'") from absent
    return gradio


def build_page(answers: Answers, title: str) -> "gradio.Blocks":
    """The page of one run; every visitor has a card of their own."""
    gradio = gradio_library()
    with gradio.Blocks(title=f"METER · {title}", analytics_enabled=False, fill_width=False) as page:
        gradio.HTML(
            f'<header class="play-head"><p>METER · playground</p><h1>{_escaped(title)}</h1></header>',
            apply_default_css=False,
        )
        card = gradio.State(None)
        with gradio.Row(equal_height=False):
            with gradio.Column(scale=2, min_width=260):
                user = _names(gradio, answers.users, "user")
                item = _names(gradio, answers.items, "item")
                feature = gradio.Dropdown(
                    answers.features(answers.items[0]),
                    value=LIKELIEST,
                    label="feature word",
                    elem_id="feature",
                    visible=bool(answers.features(answers.items[0])),
                )
                with gradio.Row():
                    ask = gradio.Button("Explain", variant="primary", elem_id="explain", min_width=90)
                    chance = gradio.Button("Surprise me", elem_id="surprise", min_width=90)
            with gradio.Column(scale=3, min_width=320):
                shown = gradio.HTML(elem_id="card", apply_default_css=False)
        word = None
        with gradio.Tabs():
            with gradio.Tab("What if", elem_id="what-if"):
                with gradio.Row():
                    other_user = _names(gradio, answers.users, "another user", chosen=False)
                    other_item = _names(gradio, answers.items, "another item", chosen=False)
                    other_feature = gradio.Dropdown(
                        answers.features("")[1:],
                        value=None,
                        label="another feature word",
                        elem_id="other-feature",
                    )
                sentence = gradio.Textbox(
                    label="another sentence; the picture is drawn to it",
                    placeholder="Write a sentence and press Enter",
                    elem_id="sentence",
                    visible=answers.draws_pictures,
                )
                changed = gradio.HTML(elem_id="changed", apply_default_css=False)
            with gradio.Tab("Alternatives"):
                with gradio.Row(equal_height=True):
                    temperature = gradio.Slider(0.1, 1.5, value=0.7, step=0.1, label="temperature", scale=3)
                    draw = gradio.Button("Four others", elem_id="alternatives", scale=1, min_width=120)
                others = gradio.HTML(elem_id="others", apply_default_css=False)
            if answers.draws_pictures:
                with gradio.Tab("Where is a word?"):
                    word = gradio.Radio([], label="a word of the sentence", elem_id="word")
                    located = gradio.HTML(elem_id="located", apply_default_css=False)
                with gradio.Tab("Photos of the item"):
                    photos = gradio.HTML(elem_id="photos", apply_default_css=False)

        follow = [card, shown, *([word] if word is not None else [])]

        def explain(user: str, item: str, feature: str) -> Iterator[tuple[Any, ...]]:
            for step in _reported(answers.explain, user, item, feature):
                words = [gradio.Radio(words_of(step.card) if step.finished else [], value=None)]
                yield step.card if step.finished else None, step.html, *words[: len(follow) - 2]

        def surprise() -> tuple[str, str]:
            return random.choice(answers.users), random.choice(answers.items)

        def offered(item: str) -> Any:
            return gradio.Dropdown(answers.features(item), value=LIKELIEST)

        asked = [user, item, feature]
        ask.click(explain, asked, follow, **ONE_AT_A_TIME)
        chance.click(surprise, None, [user, item]).then(offered, item, feature).then(
            explain, asked, follow, **ONE_AT_A_TIME
        )
        item.input(offered, item, feature, show_progress="hidden")
        page.load(explain, asked, follow, **ONE_AT_A_TIME)
        for box, name in ((other_user, "user"), (other_item, "item"), (other_feature, "feature")):
            box.input(_changing(answers, name), [card, box], changed, **ONE_AT_A_TIME)
        sentence.submit(_changing(answers, "sentence"), [card, sentence], changed, **ONE_AT_A_TIME)
        draw.click(_alternatives(answers), [card, temperature], others, **ONE_AT_A_TIME)
        if word is not None:
            word.input(_once(answers.locate), [card, word], located, **ONE_AT_A_TIME)
            for event in (page.load, item.change):
                event(_once(answers.photos), item, photos, **ONE_AT_A_TIME)
    return page


def launch_options() -> dict[str, Any]:
    """How the page looks: the colours of the cards, letters that are on the machine."""
    gradio = gradio_library()
    theme = gradio.themes.Base(
        primary_hue=gradio.themes.colors.teal,
        neutral_hue=gradio.themes.colors.stone,
        font=["ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    return {"theme": theme, "css": asset("play.css"), "footer_links": []}


def _names(gradio: Any, names: list[str], label: str, *, chosen: bool = True) -> Any:
    """A list to choose or type a name."""
    return gradio.Dropdown(
        names,
        value=names[0] if chosen else None,
        label=label,
        elem_id=label.replace(" ", "-"),
        allow_custom_value=True,
    )


def _changing(answers: Answers, name: str) -> Callable[[Card | None, str | None], str]:
    """What a change of one thing answers; nothing where the field was emptied."""

    def change(card: Card | None, value: str | None) -> str:
        return _once(answers.what_if)(card, **{name: value}) if value else ""

    return change


def _alternatives(answers: Answers) -> Callable[[Card | None, float], str]:
    """Others with every click."""
    return lambda card, temperature: _once(answers.alternatives)(card, temperature, random.randrange(10**6))


def _once(answer: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The same, with what the user got wrong as a message on the page."""

    def reported(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        try:
            return answer(*arguments, **named)
        except InputError as fault:
            raise _message(fault) from fault

    return reported


def _reported(
    answer: Callable[Arguments, Iterator[Result]], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Iterator[Result]:
    try:
        yield from answer(*arguments, **named)
    except InputError as fault:
        raise _message(fault) from fault


def _message(fault: InputError) -> Exception:
    return gradio_library().Error(
        _escaped(str(fault)), title="That cannot be answered", print_exception=False
    )


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(text))
