"""SQL lives in files beside the code that asks it: a script whole, or statements by name."""

from importlib.resources import files


def script(package: str, name: str) -> str:
    """The text of ``<package>/sql/<name>.sql``."""
    return files(package).joinpath("sql", f"{name}.sql").read_text("utf-8")


def statements(package: str, name: str) -> dict[str, str]:
    """The statements of ``<package>/sql/<name>.sql``, by the name that stands in the ``-- name:`` line above each."""
    named = {}
    for section in script(package, name).split("-- name: ")[1:]:
        title, _, body = section.partition("\n")
        named[title.strip()] = body.strip().rstrip(";")
    return named
