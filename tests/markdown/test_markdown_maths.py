"""Formulas as Unicode text: what is drawn, what is left as it was written, and that nothing is lost or smuggled in."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings, strategies as st

from lmchat.markdown import Markdown
from lmchat.markdown.maths import display, inline
from tests.markdown.markdown_corpus import rows, styles

FORMULAS = [
    (r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}", "x = (-b ± √(b² - 4ac))/(2a)"),
    (r"\sum_{i=1}^{n} i = \frac{n(n+1)}{2}", "∑ᵢ₌₁ⁿ i = n(n + 1)/2"),
    (r"\int_{-\infty}^{\infty} e^{-x^2} \, dx = \sqrt{\pi}", "∫_(-∞)^∞ e^(-x²) dx = √π"),
    (r"\int_0^1 x^2 dx = \frac{1}{3}", "∫₀¹ x² dx = ⅓"),
    (r"e^{i\pi} + 1 = 0", "e^(iπ) + 1 = 0"),
    (r"\frac{a+b}{c+d}", "(a + b)/(c + d)"),
    (r"\frac{1}{1+\frac{1}{x}}", "1/(1 + 1/x)"),
    (r"x_{i+1} = x_i - \frac{f(x_i)}{f'(x_i)}", "xᵢ₊₁ = xᵢ - f(xᵢ)/f′(xᵢ)"),
    (r"\lim_{x \to 0} \frac{\sin x}{x} = 1", "lim_(x→0) (sin x)/x = 1"),
    (r"A = \begin{pmatrix} a & b \\ c & d \end{pmatrix}", "A = (a, b; c, d)"),
    (
        r"f(x) = \begin{cases} x^2 & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}",
        "f(x) = {x² if x ≥ 0; -x otherwise}",
    ),
    (r"\begin{aligned} f(x) &= x^2 + 1 \\ &\ge 1 \end{aligned}", "f(x) = x² + 1; ≥ 1"),
    (r"\begin{align*} a &= b + c \\ &= d + e + f \\[4pt] &= g \end{align*}", "a = b + c; = d + e + f; = g"),
    (
        r"\forall \epsilon > 0 \; \exists \delta > 0 : |x - a| < \delta \implies |f(x) - f(a)| < \epsilon",
        "∀ε > 0 ∃δ > 0 : |x - a| < δ ⟹ |f(x) - f(a)| < ε",
    ),
    (r"P(A \mid B) = \frac{P(B \mid A) P(A)}{P(B)}", "P(A | B) = P(B | A)P(A)/P(B)"),
    (r"\mathbb{E}[X] = \int_{\mathbb{R}} x f(x) \, dx", "𝔼[X] = ∫_ℝ xf(x) dx"),
    (r"\left( \frac{a}{b} \right)^2", "(a/b)²"),
    (r"\hat{y} = \mathbf{W}\mathbf{x} + \vec{b}", "ŷ = 𝐖𝐱 + b⃗"),
    (r"\nabla \cdot \mathbf{E} = \frac{\rho}{\varepsilon_0}", "∇ · 𝐄 = ρ/ε₀"),
    (r"\operatorname{softmax}(z)_i = \frac{e^{z_i}}{\sum_{j=1}^K e^{z_j}}", "softmax(z)ᵢ = e^(zᵢ)/(∑ⱼ₌₁ᴷ e^(zⱼ))"),
    (r"90^\circ", "90°"),
    ("x^{n}y_{ij}^{2}", "xⁿyᵢⱼ²"),
    (r"\binom{n}{k} = \frac{n!}{k!(n-k)!}", "(n choose k) = n!/(k!(n - k)!)"),
    (r"\sqrt[3]{x+1} + \sqrt[n]{2}x + \sqrt{2}x", "∛(x + 1) + ⁿ√2 x + √2 x"),
    (r"O(n \log n)", "O(n log n)"),
    (r"\overline{AB} \perp CD", "A̅B̅ ⊥ CD"),
    (r"f: A \to B", "f : A → B"),
    (r"a \equiv b \pmod{n}", "a ≡ b (mod n)"),
    (r"\sum_{k=1}^{\infty} \frac{1}{k(k+1)} = 1", "∑ₖ₌₁^∞ 1/(k(k + 1)) = 1"),
    (r"\frac{d}{dx} f(x) = \frac{dy}{dx}", "d/dx f(x) = dy/dx"),
    (r"\frac{\partial^2 u}{\partial x^2} + \frac{\partial^2 u}{\partial y^2} = 0", "∂²u/∂x² + ∂²u/∂y² = 0"),
    (r"\frac{1}{2} m v^2", "½mv²"),
    (r"\frac12 x + \frac{1}{2}\sin x", "½x + ½ sin x"),
    (
        r"\text{Attention}(Q, K, V) = \text{softmax}\left(\frac{QK^T}{\sqrt{d_k}}\right)V",
        "Attention(Q, K, V) = softmax(QKᵀ/√(dₖ))V",
    ),
    (r"\boxed{42}", "⟦42⟧"),
    (r"x \in \mathbb{R}^n, \quad A \in \mathbb{R}^{m \times n}", "x ∈ ℝⁿ,  A ∈ ℝ^(m×n)"),
    (
        r"\mathcal{L}(\theta) = -\frac{1}{N} \sum_{i=1}^{N} \left[ y_i \log \hat{y}_i + (1-y_i) \log \hat{z}_i \right]",
        "ℒ(θ) = -(1/N) ∑ᵢ₌₁ᴺ [yᵢ log ŷᵢ + (1 - yᵢ) log ẑᵢ]",
    ),
    (r"\theta_{t+1} = \theta_t - \eta \nabla_\theta J(\theta_t)", "θₜ₊₁ = θₜ - η∇_θ J(θₜ)"),
    (r"A = \left[ \begin{array}{cc|c} 1 & 2 & 3 \\ 4 & 5 & 6 \end{array} \right]", "A = [1, 2, 3; 4, 5, 6]"),
    (
        r"\det\begin{vmatrix} 1 & -2 & 3 \\ 10 & 5 & 6 \\ 7 & 8 & 9 \end{vmatrix} = 0",
        "det|1, -2, 3; 10, 5, 6; 7, 8, 9| = 0",
    ),
    (r"\underbrace{1 + 1 + \cdots + 1}_{n \text{ times}} = n", "(1 + 1 + ⋯ + 1)_(n times) = n"),
    (r"\overset{\text{def}}{=}", "=ᵈᵉᶠ"),
    (r"A \xrightarrow{f} B \xleftarrow{g} C", "A ──f→ B ←g── C"),
    (r"\not\in \not= \neq", "∉ ≠ ≠"),
    (r"\prod_{p} \frac{1}{1 - p^{-s}} = \zeta(s)", "∏ₚ 1/(1 - p⁻ˢ) = ζ(s)"),
    (r"S = \{ x \in \mathbb{Z} \mid x^2 < 10 \}", "S = {x ∈ ℤ | x² < 10}"),
    (r"\frac{\frac{a}{b}}{\frac{c}{d}}", "(a/b)/(c/d)"),
    (r"a_1, a_2, \ldots, a_n", "a₁, a₂, …, aₙ"),
    ("1{,}000 + 1,000,000", "1,000 + 1,000,000"),
    (r"{n \choose k} {a \over b}", "(n choose k)(a/b)"),
    ("x^{2^{n}} a^{b_c}", "x^(2ⁿ)a^(b_c)"),
    (r"T(n) = 2T\left(\frac{n}{2}\right) + O(n)", "T(n) = 2T(n/2) + O(n)"),
    (r"\bar{x} = \frac{1}{n}\sum_{i=1}^n x_i", "x̅ = (1/n) ∑ᵢ₌₁ⁿ xᵢ"),
    (r"\sigma = \sqrt{\frac{1}{N}\sum_{i=1}^N (x_i - \mu)^2}", "σ = √((1/N) ∑ᵢ₌₁ᴺ (xᵢ - μ)²)"),
    (r"H_2O \text{ vs } \mathrm{CO_2}", "H₂O vs CO₂"),
    (r"x_{\text{max}} - x_{\min}", "xₘₐₓ - xₘᵢₙ"),
    (r"\alpha \leq \beta \Rightarrow \gamma", "α ≤ β ⇒ γ"),
    (r"Total Cost = Price \times Quantity", "Total Cost = Price × Quantity"),
    (r"a &= b \\ &= c", "a = b; = c"),
    ("f(x, y) = x^{y+1}", "f(x, y) = xʸ⁺¹"),
    (r"W_Q x + W_K^\top y", "W_Q x + W_Kᵀ y"),
    ("-x + -y - (-z)", "-x + -y - (-z)"),
    (r"\iint_D f \, dA \quad \oint_C \mathbf{F} \cdot d\mathbf{r}", "∬_D f dA  ∮_C 𝐅 · d𝐫"),
    (r"\lfloor x \rfloor + \lceil y \rceil", "⌊x⌋ + ⌈y⌉"),
    (r"\ln\left(\frac{a}{b}\right) = \ln a - \ln b", "ln(a/b) = ln a - ln b"),
    (r"\cos^2\theta + \sin^2\theta = 1", "cos² θ + sin² θ = 1"),
    (r"10\% \text{ of } \$50", "10% of $50"),
    (r"\mathbf{v}' = \gamma(\mathbf{v} - \mathbf{u}t)", "𝐯′ = γ(𝐯 - 𝐮t)"),
    (r"\left\{ \begin{aligned} x + y &= 1 \\ x - y &= 3 \end{aligned} \right.", "{x + y = 1; x - y = 3"),
    (r"\max_{x \in S} f(x) = \arg\min_\theta L(\theta)", "max_(x∈S) f(x) = arg min_θ L(θ)"),
    (r"\frac{x^2}{a^2} + \frac{y^2}{b^2} = 1", "x²/a² + y²/b² = 1"),
    (r"\frac{2x}{3y} \cdot \frac{a b}{c}", "2x/(3y) · ab/c"),
    (r"\sum_{\substack{i=1 \\ i \neq j}}^n a_i", "∑_(i=1, i≠j)ⁿ aᵢ"),
    (r"E = mc^2 \tag{1}", "E = mc²  (1)"),
    ("5! = 120", "5! = 120"),
    (r"I = \int_a^b \frac{dx}{x} \dot{x} \ddot{x}", "I = ∫ₐᵇ (dx/x)ẋẍ"),
    (r"{}^{14}_{6}C \to \lambda", "₆¹⁴C → λ"),
    (r"\left\| x \right\|_2 \le \left| y \right|", "‖x‖₂ ≤ |y|"),
    ("(A^{-1})^T = (A^T)^{-1}", "(A⁻¹)ᵀ = (Aᵀ)⁻¹"),
    (
        r"\frac{\partial L}{\partial w} = \frac{\partial L}{\partial y} \cdot \frac{\partial y}{\partial w}",
        "∂L/∂w = ∂L/∂y · ∂y/∂w",
    ),
    (r"\Delta x \cdot \Delta p \geq \frac{\hbar}{2}", "Δx · Δp ≥ ℏ/2"),
    (r"\sqrt{x^2+y^2}\sqrt{2}", "√(x² + y²)√2"),
    (r"g \circ f: X \to Z", "g ∘ f : X → Z"),
    (r"2\frac{1}{2} + 3\frac{a}{b}", "2½ + 3(a/b)"),
    (r"\log_2 8 = 3, \log_{10} x", "log₂ 8 = 3, log₁₀ x"),
    (r"\mathbb{P}(X = k) = \binom{n}{k} p^k (1-p)^{n-k}", "ℙ(X = k) = (n choose k)pᵏ(1 - p)ⁿ⁻ᵏ"),
    (
        r"\begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix} \begin{bmatrix} x \\ y \end{bmatrix} = x",
        "[1, 0; 0, 1][x; y] = x",
    ),
    (r"\frac{5 \text{ km}}{2 \text{ h}} = 2.5 \, \text{km/h}", "5 km/(2 h) = 2.5 km/h"),
    (r"\text{if $x>0$ then } y", "if x > 0 then y"),
    (r"x\quad y", "x  y"),
    ("5 - 3 = 2; |-3| = 3", "5 - 3 = 2; |-3| = 3"),
    (r"\sum_{n=0}^\infty \frac{x^n}{n!} = e^x", "∑ₙ₌₀^∞ xⁿ/n! = eˣ"),
    ("f''(x) + y''' = 0", "f″(x) + y‴ = 0"),
    (r"a \div b \pm c \mp d", "a ÷ b ± c ∓ d"),
    (r"A \cup B \subseteq C \setminus D", "A ∪ B ⊆ C ∖ D"),
    (r"p \land q \lor \neg r", "p ∧ q ∨ ¬r"),
    (r"\vec{v} \cdot \hat{n} + \tilde{x} + \overline{z}", "v⃗ · n̂ + x̃ + z̅"),
    (r"\mathfrak{g} \in \mathcal{F}", "𝔤 ∈ ℱ"),
    (r"\dfrac{x^{2}-1}{x-1}", "(x² - 1)/(x - 1)"),
    (r"\prod_{i=1}^{n} x_i \cdots x_n", "∏ᵢ₌₁ⁿ xᵢ⋯xₙ"),
    (r"\left.\frac{df}{dx}\right|_{x=0}", "df/dx|ₓ₌₀"),
    (r"\color{red}{x} + \textcolor{blue}{y}", "x + y"),
    (r"\mathrm{d}x", "dx"),
]
# Words of commands, and what only says how something looks or where it goes.
_SILENT = re.compile(r"\\(?:begin|end)\{[a-z*]+\}(?:\{[clr|]+\})?|\\(?:text)?color\{\w+\}|\[4pt\]|\\[A-Za-z]+|\\\\|\\.")
_PARTS = (
    r"\frac { } x y 12 ^ _ \left( \right) \left. \right| \begin{cases} \end{cases} & \\ \sqrt \text{a} + - ="
    r" \alpha \sum \hat \mathbf \over ( ) | ' \, \not [ ] \begin{pmatrix} \end{pmatrix} \binom \substack"
    r" \middle| ! \pmod \tag \overline{ab} \char 202E ^^41 é 中 𝒳"
)
PARTS = st.sampled_from(_PARTS.split())


@pytest.mark.parametrize(("source", "expected"), FORMULAS)
def test_formulas_on_a_line(source: str, expected: str) -> None:
    assert inline(source) == expected


@pytest.mark.parametrize(("source", "expected"), FORMULAS)
def test_no_letter_or_digit_of_a_formula_is_lost(source: str, expected: str) -> None:
    shown = unicodedata.normalize("NFKD", expected.replace("∛", "3√"))
    for character in _SILENT.sub(" ", source):
        if character.isalnum():
            assert character in shown


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"A = \begin{pmatrix} a & b \\ c & d \end{pmatrix}^T", ["A = ⎛ a  b ⎞ᵀ", "    ⎝ c  d ⎠"]),
        (
            r"|x| = \begin{cases} x & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}",
            ["      ⎧ x   if x ≥ 0", "|x| = ⎨", "      ⎩ -x  otherwise"],
        ),
        (r"\begin{aligned} f(x) &= x^2 + 1 \\[4pt] &\ge 1 \end{aligned}", ["f(x) = x² + 1", "     ≥ 1"]),
        (r"a &= b \\ &= c", ["a = b", "  = c"]),
        (r"a \\ b", ["a", "b"]),
        (
            r"\left[ \begin{array}{cc|c} 1 & -2 & x \\ 10 & 3 & y+z \\ 0 & 0 & 1 \end{array} \right]",
            ["⎡  1  -2    x   ⎤", "⎢ 10   3  y + z ⎥", "⎣  0   0    1   ⎦"],
        ),
        (r"\begin{vmatrix} a & b \\ c & d \end{vmatrix} = ad - bc", ["│ a  b │ = ad - bc", "│ c  d │"]),
    ],
)
def test_formulas_with_rows(source: str, expected: list[str]) -> None:
    assert list(display(source, 60) or ()) == expected


def test_rows_too_wide_are_put_on_a_line() -> None:
    assert display(r"A = \begin{pmatrix} a & b \\ c & d \end{pmatrix}", 9) == ("A = (a, b; c, d)",)


@pytest.mark.parametrize(
    "source",
    [
        "",
        " ",
        r"\nosuch{x}",
        r"\frac{a}",
        "x^",
        "x^2^3",
        "{x",
        "x}",
        r"\left( x",
        r"\begin{tabular}{c} x \end{tabular}",
        r"\begin{matrix} x \end{cases}",
        r"\char`x",
        r"\symbol{27}",
        r"\unichar{8238}",
        r"\hat{}",
        "^^1b",
        "{" * 30 + "x" + "}" * 30,
        "x" * 5_000,
    ],
)
def test_what_cannot_be_read_is_none(source: str) -> None:
    assert inline(source) is None
    assert display(source, 80) is None


@settings(max_examples=500, deadline=None)
@given(st.lists(PARTS, max_size=30).map(" ".join), st.integers(1, 80))
def test_any_formula_gives_printable_text_or_nothing(source: str, width: int) -> None:
    text, block = inline(source), display(source, width)
    assert text is None or (text.isprintable() and text)
    assert block is None or all(row.isprintable() for row in block)


@pytest.mark.parametrize(
    "unit",
    [r"\frac{", "{", "^", "_", "x^", "^^", r"\left(", r"\sqrt{", r"\begin{matrix}", r"\\", "&", r"\text{", "'", "!",
     r"\over ", r"a\over ", r"\hat", r"\not", r"\sqrt[", r"\substack{", "e\u0301"],
)  # fmt: skip
def test_floods_are_shown_as_they_were_written_or_drawn(unit: str) -> None:
    text = f"${unit * (10_000 // len(unit))}$"
    assert rows(f"$${text}$$")
    assert rows(text[:4_000] + "$")


def test_prices_names_and_escaped_brackets_are_text() -> None:
    for text in ("$5 and $10", "from $5, or 3$ a piece", "$HOME/$USER", "a $ b $ c", "$5", "US$ 5 and US$ 6"):
        assert styles(text) == [(text, "text")]
    assert rows(r"\[TODO\] \(see below\)") == ["[TODO] (see below)"]
    assert rows("the $n$th of $100$") == ["the nth of 100"]


def test_formulas_have_a_style_of_their_own_wherever_they_stand() -> None:
    assert styles("# On $x^2$")[:2] == [("On ", "heading.1"), ("x²", "heading.1 math")]
    assert styles("**so $x_1$**") == [("so ", "strong"), ("x₁", "strong math")]
    assert ("x²", "table.cell math") in styles("| a |\n|---|\n| $x^2$ |")
    assert styles("$$x^2$$") == [("x²", "math")]


def test_a_block_is_shown_as_written_until_it_ends() -> None:
    markdown = Markdown(60)
    markdown.feed("$$\n\\frac{a}{b}\n")
    assert ["".join(span.text for span in line.spans) for line in markdown.lines] == ["$$", "\\frac{a}{b}"]
    assert markdown.frozen == 0
    markdown.feed("$$\n")
    assert ["".join(span.text for span in line.spans) for line in markdown.lines] == ["  a/b"]


def test_a_very_long_block_is_shown_as_written_for_good() -> None:
    markdown = Markdown(60)
    markdown.feed("$$\n" + "x + \\alpha\n" * 1_000)
    assert markdown.frozen > 900
    assert "\\alpha" in rows("$$\n" + "x + \\alpha\n" * 1_000 + "$$")[-2]


@pytest.mark.parametrize("name", ["align", "align*", "equation", "gather"])
def test_environments_of_their_own_are_displayed(name: str) -> None:
    assert rows(f"so\n\\begin{{{name}}}\nx^2 = 1\n\\end{{{name}}}\nend") == ["so", "", "  x² = 1", "", "end"]


def test_nothing_is_loaded_before_the_first_formula() -> None:
    code = (
        "import sys; from lmchat.markdown import Markdown; m = Markdown(80);"
        "m.feed('**a** `b` costs $5 and $10\\n\\n- c');"
        "m.finish(); list(m.lines); print('lmchat.markdown.maths' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
