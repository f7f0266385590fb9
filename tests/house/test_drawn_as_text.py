"""What is not in our own words reaches the page as text: no element that reads Markdown is handed anything else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "ketl" / "ui").glob("*.py")), *sorted((ROOT / "pages").glob("*.py")), ROOT / "app.py"]
# Elements whose text, label or tooltip Streamlit reads as Markdown; `grid.metric` and the like count as well.
MARKDOWN = {
    "badge", "button", "caption", "checkbox", "download_button", "error", "expander", "file_uploader", "header", "info",
    "link_button", "markdown", "menu_button", "metric", "multiselect", "number_input", "page_link", "pills", "popover",
    "progress", "radio", "segmented_control", "selectbox", "subheader", "success", "text_area", "text_input", "title",
    "toast", "toggle", "warning", "write",
}  # fmt: skip
SPOKEN = ("label", "body", "help", "text", "placeholder", "value")
# Sentences of ours, made of counts, times, amounts and names of languages and fields that the program ships.
OWN_WORDS = {"counted", "duration", "dollars", "len", "min", "language_name", "field_label", "_said", "_split", "_left"}
# What is read from tables of ours.
OURS = {"language.name", "language.own_name", "export.label", "choice.missing", "f.keys[0]"}
# The only modules that make HTML; each escapes what it puts into it, as tests of theirs show.
HTML = {"texts.py", "cards.py", "frame.py"}
# `words` functions that repeat what a provider said.
OTHERS_WORDS = {"substitution"}


def calls(tree: ast.AST, names: set[str]) -> Iterator[tuple[ast.Call, ast.AST]]:
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.Module):
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
                    yield node, scope


def is_own(node: ast.expr | None, scope: ast.AST) -> bool:
    """Whether an expression can be nothing but words of ours and numbers."""
    if node is not None and ast.unparse(node) in OURS:
        return True
    match node:
        case None | ast.Constant():
            return True
        case ast.JoinedStr(values=parts):
            return all(is_own(part, scope) for part in parts)
        case ast.FormattedValue(value=value, format_spec=ast.JoinedStr(values=[ast.Constant(value=str(spec))])):
            # A text cannot be formatted as a number.
            return spec[-1:] in (",", "f", "%", "d") or is_own(value, scope)
        case ast.FormattedValue(value=value) | ast.NamedExpr(value=value):
            return is_own(value, scope)
        case ast.BinOp(left=left, right=right):
            return is_own(left, scope) and is_own(right, scope)
        case ast.BoolOp(values=values):
            return all(is_own(value, scope) for value in values)
        case ast.IfExp(body=yes, orelse=no):
            return is_own(yes, scope) and is_own(no, scope)
        case ast.Call(func=ast.Name(id=name)):
            return name in OWN_WORDS
        case ast.Call(func=ast.Attribute(value=ast.Name(id="words"), attr=name)):
            return name not in OTHERS_WORDS
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[ast.GeneratorExp(elt=piece)]):
            return is_own(piece, scope)
        case ast.Name(id=name):
            given = [n.value for n in ast.walk(scope) if isinstance(n, ast.Assign | ast.AugAssign) and named(n, name)]
            return bool(given) and all(is_own(value, scope) for value in given)
    return False


def named(node: ast.Assign | ast.AugAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_markdown_is_handed_words_of_ours_alone(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    owned: dict[int, bool] = {}
    for call, scope in calls(tree, MARKDOWN):
        spoken = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in SPOKEN)]
        spoken = [] if isinstance(call.func, ast.Attribute) and call.func.attr == "get" else spoken
        owned[call.lineno] = owned.get(call.lineno, False) or all(is_own(argument, scope) for argument in spoken)
    assert [line for line, own in owned.items() if not own] == []


@pytest.mark.parametrize("path", [path for path in PAGES if path.name not in HTML], ids=lambda path: path.name)
def test_html_is_made_in_few_places(path: Path) -> None:
    assert "st.html(" not in path.read_text("utf-8") and "unsafe_allow" not in path.read_text("utf-8")


def test_a_name_that_comes_from_elsewhere_would_be_seen() -> None:
    tree = ast.parse('def f(error, count):\n    st.error(str(error))\n    st.info(f"{count:,} texts of {error}")\n')
    assert [all(is_own(a, scope) for a in call.args) for call, scope in calls(tree.body[0], MARKDOWN)] == [False, False]


def test_what_texts_draws_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    from ketl.ui import texts

    drawn: list[str] = []
    monkeypatch.setattr("streamlit.html", lambda body, **_: drawn.append(body))
    hostile = "<img src=x onerror=a()> [x](http://h) :material/home:"
    texts.note(hostile, "error")
    texts.caption(hostile)
    texts.lead(hostile, testid="a")
    texts.named(hostile, hostile)
    texts.listed([hostile, hostile])
    assert len(drawn) == 5
    assert all(
        "<img" not in body and "&lt;img src=x onerror=a()&gt; [x](http://h) :material/home:" in body for body in drawn
    )
