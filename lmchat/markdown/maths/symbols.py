"""What LaTeX's commands look like as Unicode text, by the part they play in a formula."""

from __future__ import annotations

import string
import unicodedata
from typing import Literal

Kind = Literal[
    "ordinary", "binary", "relation", "opening", "closing", "punctuation", "function", "derivative", "large",
    "fraction", "fence", "space",
]  # fmt: skip
"""The part that something plays in a formula; a fence is a whole with its own brackets."""


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def _words(table: str) -> frozenset[str]:
    return frozenset(table.split())


def _named(prefix: str, letters: str) -> dict[str, str]:
    """Letters in one of Unicode's mathematical alphabets; a few of them have older names."""
    older = {"FRAKTUR": "BLACK-LETTER"}.get(prefix, prefix)
    result = {}
    for letter in letters:
        case = "CAPITAL" if letter.isupper() else "SMALL"
        kind = f"{case} {letter.upper()}"
        if letter.isdigit():
            kind = unicodedata.name(letter)
        for name in (f"MATHEMATICAL {prefix} {kind}", f"{older} {kind}"):
            try:
                result[letter] = unicodedata.lookup(name)
                break
            except KeyError:
                continue
    return result


ORDINARY = _pairs(
    r"""
    alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ
    lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ
    chi χ psi ψ omega ω digamma ϝ
    Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
    infty ∞ partial ∂ nabla ∇ hbar ℏ hslash ℏ ell ℓ Re ℜ Im ℑ wp ℘ aleph ℵ beth ℶ imath ı jmath ȷ eth ð
    emptyset ∅ varnothing ∅ forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ top ⊤ bot ⊥ angle ∠ measuredangle ∡
    prime ′ backprime ‵ dagger † ddagger ‡ degree ° surd √ triangle △ square □ Box □ blacksquare ■ qed ∎ Diamond ◇
    lozenge ◊ bigstar ★ star ⋆ checkmark ✓ clubsuit ♣ diamondsuit ♢ heartsuit ♡ spadesuit ♠ flat ♭ natural ♮ sharp ♯
    ldots … dots … dotsc … dotso … cdots ⋯ dotsb ⋯ dotsm ⋯ dotsi ⋯ vdots ⋮ ddots ⋱ complement ∁ copyright © pounds £
    euro € S § P ¶ aa å AA Å ae æ AE Æ oe œ OE Œ o ø O Ø ss ß l ł L Ł i ı j ȷ lbrack [ rbrack ] vert | Vert ‖ | ‖
    % % $ $ # # _ _ & & mho ℧ complexes ℂ reals ℝ R ℝ N ℕ Z ℤ C ℂ Q ℚ slash / backslash \ textbackslash \
    textasciitilde ~ textdegree ° permil ‰ yen ¥ cent ¢ textdollar $ lq ‘ rq ’
    """
)
BINARY = _pairs(
    r"""
    pm ± mp ∓ times × div ÷ cdot · ast ∗ circ ∘ bullet • oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ cap ∩ cup ∪
    uplus ⊎ sqcap ⊓ sqcup ⊔ vee ∨ lor ∨ wedge ∧ land ∧ setminus ∖ smallsetminus ∖ wr ≀ amalg ⨿ bmod mod rtimes ⋊
    ltimes ⋉ boxplus ⊞ boxtimes ⊠ diamond ⋄ bigcirc ◯ dotplus ∔ veebar ⊻ barwedge ⊼ intercal ⊺ triangleleft ◁
    triangleright ▷
    """
)
RELATION = _pairs(
    r"""
    le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ equiv ≡ approx ≈ sim ∼ simeq ≃ cong ≅ propto ∝ varpropto ∝
    ll ≪ gg ≫ lll ⋘ ggg ⋙ lt < gt > in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ subsetneq ⊊ nsubseteq ⊈ supset ⊃ supseteq ⊇
    supsetneq ⊋ sqsubseteq ⊑ sqsupseteq ⊒ perp ⊥ parallel ∥ nparallel ∦ mid | nmid ∤ vdash ⊢ dashv ⊣ models ⊨ vDash ⊨
    Vdash ⊩ prec ≺ preceq ≼ succ ≻ succeq ≽ asymp ≍ doteq ≐ triangleq ≜ coloneqq ≔ coloneq ≔ eqqcolon ≕ lesssim ≲
    gtrsim ≳ lessgtr ≶ gtrless ≷ approxeq ≊ thickapprox ≈ bowtie ⋈ smile ⌣ frown ⌢ between ≬ pitchfork ⋔
    to → rightarrow → longrightarrow ⟶ gets ← leftarrow ← longleftarrow ⟵ leftrightarrow ↔ longleftrightarrow ⟷
    Rightarrow ⇒ Longrightarrow ⟹ implies ⟹ Leftarrow ⇐ Longleftarrow ⟸ impliedby ⟸ Leftrightarrow ⇔
    Longleftrightarrow ⟺ iff ⟺ mapsto ↦ longmapsto ⟼ hookrightarrow ↪ hookleftarrow ↩ uparrow ↑ downarrow ↓
    updownarrow ↕ Uparrow ⇑ Downarrow ⇓ Updownarrow ⇕ nearrow ↗ searrow ↘ swarrow ↙ nwarrow ↖ rightharpoonup ⇀
    rightharpoondown ⇁ leftharpoonup ↼ leftharpoondown ↽ rightleftharpoons ⇌ leftrightarrows ⇆ rightrightarrows ⇉
    twoheadrightarrow ↠ rightarrowtail ↣ leadsto ⇝ rightsquigarrow ⇝ curvearrowright ↷ circlearrowleft ↺
    circlearrowright ↻ nrightarrow ↛ nleftarrow ↚ nRightarrow ⇏ therefore ∴ because ∵ nleq ≰ ngeq ≱ nless ≮ ngtr ≯
    trianglelefteq ⊴ trianglerighteq ⊵ vartriangleleft ⊲ multimap ⊸ upharpoonright ↾ restriction ↾
    """
)
LARGE = _pairs(
    r"""
    sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ oiint ∯ bigcup ⋃ bigcap ⋂ bigvee ⋁ bigwedge ⋀ bigoplus ⨁
    bigotimes ⨂ bigodot ⨀ biguplus ⨄ bigsqcup ⨆
    """
)
FUNCTIONS = _words(
    """
    sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arg deg det dim exp gcd hom inf
    ker lg lim liminf limsup ln log max min sup Pr argmax argmin sgn sign tr Tr rank diag softmax erf lcm mod Var Cov
    span supp curl grad div
    """
)
"""Commands that show as their own name; models also use some that LaTeX does not define."""
OPENING = _pairs(r"( ( [ [ { { lbrace { langle ⟨ lfloor ⌊ lceil ⌈ lvert | lVert ‖ llbracket ⟦ lgroup ( ulcorner ⌜")
CLOSING = _pairs(r") ) ] ] } } rbrace } rangle ⟩ rfloor ⌋ rceil ⌉ rvert | rVert ‖ rrbracket ⟧ rgroup ) urcorner ⌝")
SPACES = {
    **dict.fromkeys([",", ":", ";", ">", " ", "\n", "thinspace", "medspace", "thickspace", "enspace", "space"], " "),
    **dict.fromkeys(["quad", "enskip"], "  "),
    "qquad": "    ",
    **dict.fromkeys(["!", "negthinspace", "/"], ""),
}
IGNORED = _words(
    """
    displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits nonumber notag hline centering allowbreak
    nobreak noindent big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm biggm Biggm strut
    mathstrut relax protect rm it bf sf tt cal
    """
)
"""Commands that are about size and place alone."""
ACCENTS = {
    **dict.fromkeys(["hat", "widehat"], "\u0302"),
    **dict.fromkeys(["tilde", "widetilde"], "\u0303"),
    **dict.fromkeys(["bar", "overline"], "\u0305"),
    **dict.fromkeys(["underline", "underbar"], "\u0332"),
    **dict.fromkeys(["vec", "overrightarrow"], "\u20d7"),
    **{"dot": "\u0307", "ddot": "\u0308", "dddot": "\u20db", "check": "\u030c", "breve": "\u0306"},
    **{"acute": "\u0301", "grave": "\u0300", "mathring": "\u030a", "cancel": "\u0336", "bcancel": "\u0336"},
}
STRETCHED = frozenset(["overline", "underline", "underbar", "bar", "cancel", "bcancel"])
"""Accents that go over each character of what they are given."""
UPRIGHT = _words(
    """
    mathrm mathit mathsf mathtt mathnormal text textrm textit textsf texttt textbf textnormal textup emph mbox hbox
    mathord mathinner mathop mathbin mathrel mathopen mathclose mathpunct underbrace overbrace smash operatorname
    ensuremath vcenter textsc
    """
)
"""Commands that leave their argument as it is."""
VERBATIM = _words("text textrm textit textsf texttt textbf textnormal textup emph mbox hbox textsc")
"""Those among them whose argument is text, not mathematics."""
_ALPHABETS = {
    "mathbb": _named("DOUBLE-STRUCK", string.ascii_letters + string.digits),
    "mathcal": _named("SCRIPT", string.ascii_uppercase),
    "mathfrak": _named("FRAKTUR", string.ascii_letters),
    "mathbf": _named("BOLD", string.ascii_letters + string.digits),
}
ALPHABETS = {
    **{name: str.maketrans(table) for name, table in _ALPHABETS.items()},
    **dict.fromkeys(["mathscr", "mathcal"], str.maketrans(_ALPHABETS["mathcal"])),
    **dict.fromkeys(["boldsymbol", "bm", "mathbfit", "pmb"], str.maketrans(_ALPHABETS["mathbf"])),
    "Bbb": str.maketrans(_ALPHABETS["mathbb"]),
}
NEGATED = _pairs("= ≠ ∈ ∉ ∋ ∌ ⊂ ⊄ ⊃ ⊅ ⊆ ⊈ ⊇ ⊉ ≡ ≢ ≤ ≰ ≥ ≱ < ≮ > ≯ ∼ ≁ ≈ ≉ ≅ ≇ ∃ ∄ | ∤ ∥ ∦ → ↛ ⇒ ⇏ ⊢ ⊬ ⊨ ⊭")
VULGAR = _pairs("1/2 ½ 1/3 ⅓ 2/3 ⅔ 1/4 ¼ 3/4 ¾ 1/5 ⅕ 2/5 ⅖ 3/5 ⅗ 4/5 ⅘ 1/6 ⅙ 5/6 ⅚ 1/8 ⅛ 3/8 ⅜ 5/8 ⅝ 7/8 ⅞")

_RAISED = _pairs(
    """
    0 ⁰ 1 ¹ 2 ² 3 ³ 4 ⁴ 5 ⁵ 6 ⁶ 7 ⁷ 8 ⁸ 9 ⁹ + ⁺ - ⁻ = ⁼ ( ⁽ ) ⁾ a ᵃ b ᵇ c ᶜ d ᵈ e ᵉ f ᶠ g ᵍ h ʰ i ⁱ j ʲ k ᵏ l ˡ m ᵐ
    n ⁿ o ᵒ p ᵖ r ʳ s ˢ t ᵗ u ᵘ v ᵛ w ʷ x ˣ y ʸ z ᶻ A ᴬ B ᴮ D ᴰ E ᴱ G ᴳ H ᴴ I ᴵ J ᴶ K ᴷ L ᴸ M ᴹ N ᴺ O ᴼ P ᴾ R ᴿ T ᵀ
    U ᵁ V ⱽ W ᵂ β ᵝ γ ᵞ δ ᵟ θ ᶿ φ ᵠ χ ᵡ ′ ′ ″ ″ ‴ ‴ * * ∗ * † † ‡ ‡ ° °
    """
)
_LOWERED = _pairs(
    """
    0 ₀ 1 ₁ 2 ₂ 3 ₃ 4 ₄ 5 ₅ 6 ₆ 7 ₇ 8 ₈ 9 ₉ + ₊ - ₋ = ₌ ( ₍ ) ₎ a ₐ e ₑ h ₕ i ᵢ j ⱼ k ₖ l ₗ m ₘ n ₙ o ₒ p ₚ r ᵣ s ₛ
    t ₜ u ᵤ v ᵥ x ₓ β ᵦ γ ᵧ ρ ᵨ φ ᵩ χ ᵪ
    """
)
RAISED = str.maketrans(_RAISED)
LOWERED = str.maketrans(_LOWERED)


def _kinds() -> dict[str, Kind]:
    table: dict[str, Kind] = dict.fromkeys([*"+-*−", *BINARY.values()], "binary")
    table.update(dict.fromkeys([*"=:", *RELATION.values()], "relation"))
    table.update(dict.fromkeys(LARGE.values(), "large"))
    table.update(dict.fromkeys("([⟨⌊⌈", "opening"))
    table.update(dict.fromkeys(")]⟩⌋⌉!", "closing"))
    table.update(dict.fromkeys(",;，；", "punctuation"))
    table["|"] = "ordinary"
    return table


KINDS = _kinds()
"""The part that a character plays where it is not plain."""
