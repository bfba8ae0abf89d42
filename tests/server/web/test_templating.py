"""What templates may read: no name that is a method of what they are given."""

import pytest
from jinja2 import nodes

from server.web.templating import ASSETS, ENVIRONMENT

METHODS = frozenset(name for name in dir(dict) if not name.startswith("_"))  # copy, items, keys, values, get, pop ...


def method_names(source: str) -> list[str]:
    """Attributes that are read, not called, though a dict has a method of this name: Jinja would find the method."""
    tree = ENVIRONMENT.parse(source)
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    return [one.attr for one in tree.find_all(nodes.Getattr) if one.attr in METHODS and id(one) not in called]


@pytest.mark.parametrize("name", sorted(path.name for path in (ASSETS / "templates").glob("*.html")))
def test_no_template_reads_a_name_that_a_dict_has_a_method_of(name: str) -> None:
    assert method_names((ASSETS / "templates" / name).read_text(encoding="utf-8")) == []


def test_such_a_name_is_found_wherever_it_stands() -> None:
    source = "{% with copy=item.copy %}{{ a.items() }}{% if b.keys %}{{ c.d.get }}{% endif %}{% endwith %}"
    assert sorted(method_names(source)) == ["copy", "get", "keys"]


@pytest.mark.parametrize("value", [{}.copy, "a".title, METHODS.union, method_names])
def test_a_method_is_never_shown(value: object) -> None:
    with pytest.raises(TypeError, match="instead of a value"):
        ENVIRONMENT.from_string("{{ value }}").render(value=value)
