"""A model's JSON Schema as the model is sent: what may be left out is left out, never null."""

from typing import Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

NO_CONTROLS: Final = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$"
"""Text without control characters other than newline, as an ECMA-262 pattern, which JSON Schema's are."""


class Sent(GenerateJsonSchema):
    """JSON Schema 2020-12 that other languages' generators read well: an optional field has its own type only.

    Resonance takes null for a field that may be left out. It is not promised, so that every client can be as strict.
    """

    @override
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is not None:
            return super().default_schema(schema)
        made = self.generate_inner(schema["schema"])
        kinds = [kind for kind in made.get("anyOf", []) if kind != {"type": "null"}]
        return kinds[0] if len(kinds) == 1 else made

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        """A field's title would repeat its name."""
        return False
