"""The source is written in plain English: how sentences begin, and how locals are named."""

import ast
import io
import re
import tokenize

import pytest

from tests.commands import ROOT

FOLDERS = ("benchmarks", "experiments", "hydra_plugins", "models", "paper", "synthetic")
# Functions whose source is in the hash of a criterion, so that a word in them would change the hash.
HASHED = {
    "experiments/studies/markov/occurrences.py": "_first",
    "experiments/studies/tint/prompted.py": "by_noise",
    "experiments/studies/tint/why.py": "with_sampled",
}
# Words that put the object of a sentence before its verb.
FORBIDDEN = ("What", "That", "Of", "Held", "Who")
# Names that do not say what a variable holds.
VAGUE = {"asked", "both", "found", "of", "said", "there"}

_SENTENCE = re.compile(rf"(?:^|[.?!] )(?:{'|'.join(FORBIDDEN)}) ", re.MULTILINE)


def held_files():
    return [ROOT / "fields.py", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))]


def docstrings(tree):
    """(node, docstring with its lines joined, paragraph by paragraph) of each module, class and function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (doc := ast.get_docstring(node)):
            yield node, "\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", doc))


def comments(text):
    """The lines of comments without their marks."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT]


@pytest.fixture(scope="module")
def sources():
    """Name of each file that is held to it, to (its text, its syntax tree)."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in held_files()}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    for name, function in HASHED.items():
        (node,) = (node for node in trees[name].body if getattr(node, "name", "") == function)
        trees[name].body.remove(node)
    return {name: (text, trees[name]) for name, text in texts.items()}


def test_no_sentence_of_a_docstring_or_comment_puts_its_object_first(sources):
    faults = []
    for name, (text, tree) in sources.items():
        faults += [f"{name}: {doc}" for _, doc in docstrings(tree) if _SENTENCE.search(doc)]
        faults += [f"{name}: {comment}" for comment in comments(text) if _SENTENCE.search(comment)]
    assert not faults


def test_a_docstring_of_a_function_begins_with_a_verb(sources):
    faults = [
        f"{name}:{node.lineno} {node.name}: {doc.splitlines()[0]}"
        for name, (_, tree) in sources.items()
        for node, doc in docstrings(tree)
        if isinstance(node, ast.FunctionDef) and not re.match(r"[A-Z][a-z]+s\b", doc)
    ]
    assert not faults


def test_the_name_of_a_local_says_what_it_holds(sources):
    faults = []
    for name, (_, tree) in sources.items():
        nodes = list(ast.walk(tree))
        parts = [part for n in nodes if isinstance(n, ast.ClassDef) for part in n.body]
        fields = {part.target for part in parts if isinstance(part, ast.AnnAssign)}
        names = [n for n in nodes if isinstance(n, ast.Name) and n not in fields]
        stored = [(n.lineno, n.id) for n in names if isinstance(n.ctx, ast.Store)]
        given = [(n.lineno, n.arg) for n in nodes if isinstance(n, ast.arg)]
        faults += [f"{name}:{line}: {local}" for line, local in (*stored, *given) if local in VAGUE]
    assert not faults
