"""Elements of SVG, with everything escaped that comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

Attribute = str | float | None


def element(name: str, /, *children: Markup, **attributes: Attribute) -> Markup:
    """Make an element; ``class_`` and ``view_box`` are ``class`` and ``viewBox``, None is left out."""
    given = "".join(
        f' {_NAMES.get(key, key.replace("_", "-"))}="{_text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>{''.join(children)}</{name}>")  # noqa: S704  # every part is escaped


def title(text: str) -> Markup:
    """Make what browsers show beside the pointer."""
    return Markup(f"<title>{escape(text)}</title>")  # noqa: S704


def picture(width: float, height: float, label: str, children: Iterable[Markup], **more: Attribute) -> Markup:
    """Make an SVG that fills its box, and whose text alternative is ``label``."""
    return element(
        "svg",
        *children,
        view_box=f"0 0 {_text(width)} {_text(height)}",
        preserve_aspect_ratio="none",
        role="img",
        aria_label=label,
        **more,
    )


def number(value: float) -> str:
    """Give a coordinate in as few characters as a picture needs."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


_NAMES = {"class_": "class", "view_box": "viewBox", "preserve_aspect_ratio": "preserveAspectRatio"}


def _text(value: str | float) -> str:
    return str(escape(value)) if isinstance(value, str) else number(value)
