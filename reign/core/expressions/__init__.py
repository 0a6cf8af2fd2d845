"""The expression language of plans: ``${{ tasks.build.result.image }}``, ``${{ params.port ?? 8080 }}``.

The words are those of a CI workflow. Operators, loosest first: ``??``, ``||``, ``&&``, ``== !=``, ``< <= > >=``, ``!``,
then ``.name`` and ``[index]``. Literals: numbers, 'texts', true, false, null. Functions: see ``functions``.
A text that is one whole expression keeps the value's type; otherwise each expression is put in as text.
``$${{`` stands for a literal ``${{``.
"""

from reign.core.expressions.evaluation import evaluate, truthy
from reign.core.expressions.functions import STATUS_FUNCTIONS
from reign.core.expressions.nodes import (
    Binary,
    Call,
    ExpressionError,
    Index,
    Literal,
    Missing,
    Name,
    Node,
    Unary,
    children,
    paths,
    source,
    walk,
)
from reign.core.expressions.parser import parse
from reign.core.expressions.templates import escape, expressions, fill, has_expression, split, texts

__all__ = [
    "STATUS_FUNCTIONS",
    "Binary",
    "Call",
    "ExpressionError",
    "Index",
    "Literal",
    "Missing",
    "Name",
    "Node",
    "Unary",
    "children",
    "escape",
    "evaluate",
    "expressions",
    "fill",
    "has_expression",
    "parse",
    "paths",
    "source",
    "split",
    "texts",
    "truthy",
    "walk",
]
