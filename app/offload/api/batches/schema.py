"""The body of `POST /batches` in the OpenAPI document: a schema of a member for each task."""

from typing import Any

from offload.api.jobs.options import MemberOptions
from offload.jobs.acceptance.batches import MOST_MEMBERS
from offload.options import MAX_LABELS
from offload.server.settings import Settings
from offload.tasks.registry import Registry

EXAMPLE = {
    "jobs": [{"task": "fibonacci", "params": {"n": n, "algorithm": "recursive"}} for n in (30, 32, 34, 36)],
    "labels": ["tutorial"],
}

_SCHEMAS = "#/components/schemas/"


def add_batch_members(document: dict[str, Any], registry: Registry, settings: Settings) -> None:
    """Adds the schemas of the members, with the parameters of each task, and of the body of `POST /batches`."""
    mapping: dict[str, str] = {}
    for name in registry:
        submission = document["paths"][f"/jobs/{name}"]["post"]["requestBody"]["content"]["application/json"]
        schema = f"BatchMember_{name.replace('-', '_')}"
        document["components"]["schemas"][schema] = {
            "title": name,
            "type": "object",
            "properties": {
                "task": {"type": "string", "const": name},
                "params": submission["schema"],
                **_options(settings),
            },
            "required": ["task", "params"],
            "additionalProperties": False,
        }
        mapping[name] = f"{_SCHEMAS}{schema}"
    member = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "task", "mapping": mapping},
    }
    body = {
        "type": "object",
        "properties": {
            "jobs": {"type": "array", "items": member, "minItems": 1, "maxItems": MOST_MEMBERS},
            "labels": {
                **_options(settings)["labels"],
                "description": f"labels of the batch and of each of its jobs; a job has at most {MAX_LABELS} in all",
            },
        },
        "required": ["jobs"],
        "additionalProperties": False,
    }
    examples = {"example": {"value": EXAMPLE}}
    document["paths"]["/batches"]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": body, "examples": examples}},
    }


def _options(settings: Settings) -> dict[str, Any]:
    """Returns the options of a member, with the limits of this server."""
    properties: dict[str, Any] = MemberOptions.model_json_schema()["properties"]
    for name, most in (("timeout_s", settings.max_timeout_s), ("memory_mb", settings.memory_mb)):
        properties[name]["anyOf"][0]["maximum"] = most
    return properties
