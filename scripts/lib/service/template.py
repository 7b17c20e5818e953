"""The job that others are made after."""

from .answers import Json

ORGANISATIONS = [f"77777777-7777-7777-7777-7777777770{number:02}" for number in range(10)]
VERSION = "0197f000-0000-7000-8000-000000000001"
INPUTS = [f"0197f000-0000-7000-8000-00000000000{letter}" for letter in "abc"]
TEMPLATE: Json = {
    "organisation_id": ORGANISATIONS[0],
    "source": {"name": "Mildew predictor", "expected_interval_minutes": 60, "retention_hours": 720},
    "source_version": {
        "id": VERSION,
        "version": "1.0.0",
        "input_roles": [
            {"role": "temperature", "input_kind": "sensor", "metric": "celsius", "required": True},
            {"role": "humidity", "input_kind": "sensor", "metric": "percent", "required": True},
            {"role": "leaf_wetness", "input_kind": "sensor", "metric": "minutes", "required": False},
        ],
        "output_roles": [{"role": "risk", "metric": "probability", "unit": "1", "required": True}],
    },
    "job": {"name": "Template"},
    "role_bindings": [
        {"role": role, "input_id": input_id}
        for role, input_id in zip(["temperature", "humidity", "leaf_wetness"], INPUTS, strict=True)
    ],
}
