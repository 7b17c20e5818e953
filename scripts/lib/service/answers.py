"""JSON, as far as its types are known before it is looked at."""

from typing import Any

# An object: its members are whatever the OpenAPI document says.
Json = dict[str, Any]
