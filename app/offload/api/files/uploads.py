"""`/uploads`: files for jobs that are submitted later."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.convertors import PathConvertor, register_url_convertor

from offload.api.contract.openapi import problems
from offload.api.files.receiving import FILE_FIELD, receiving, wrong_field
from offload.api.state import Caller, State
from offload.errors import (
    BadRequestError,
    BodyTooLargeError,
    DigestMismatchError,
    InvalidParametersError,
    JobLiveError,
    StoppingError,
    StorageFailedError,
    StorageFullError,
    UnsupportedMediaTypeError,
    UploadNotFoundError,
    UploadTooSlowError,
)

router = APIRouter(tags=["uploads"])

FILE: dict[str, Any] = {"type": "string", "format": "binary"}

_BODY = {
    "requestBody": {
        "required": False,  # the file may be empty
        "content": {
            "application/octet-stream": {"schema": FILE},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": FILE},
                    "required": ["file"],
                    "additionalProperties": False,
                }
            },
        },
    }
}

_RESPONSES: dict[str, Any] = {
    "status_code": 201,
    "response_description": "The upload is on disk",
    "openapi_extra": _BODY,
    "responses": problems(
        BadRequestError,
        UploadTooSlowError,
        BodyTooLargeError,
        UnsupportedMediaTypeError,
        InvalidParametersError,
        DigestMismatchError,
        StoppingError,
        StorageFailedError,
        StorageFullError,
    ),
}

Name = Annotated[str | None, Query(include_in_schema=False)]


class UploadView(BaseModel):
    """An uploaded file. `id` is the value for the `upload` parameter of `file-digest`."""

    id: str
    name: str
    size: int


@router.post("/uploads", operation_id="upload", summary="Upload a file", **_RESPONSES)
@router.put("/uploads", operation_id="upload_by_put", summary="Upload a file", **_RESPONSES)
async def upload(request: Request, state: State, caller: Caller, name: Name = None) -> UploadView:
    """The body or, in a form, the field `file` is streamed to disk. `Content-Digest` and `Repr-Digest` are checked."""
    return await _receive(request, state, caller, name)


class AnyName(PathConvertor):
    """The rest of a path with any characters. Starlette's `path` does not match line breaks."""

    regex = r"(?s:.*)"


register_url_convertor("anyname", AnyName())


@router.put("/uploads/{name:anyname}", operation_id="upload_named", summary="Upload a file under a name", **_RESPONSES)
async def upload_named(request: Request, state: State, caller: Caller, name: str) -> UploadView:
    """For `curl -T FILE …/uploads/`, which appends the name of the file to the URL."""
    return await _receive(request, state, caller, name)


UploadId = Annotated[str, Path(alias="name", description="the upload's id")]
# Named as in the PUT above: two paths in OpenAPI can't differ only in the names of their parameters.


@router.get(
    "/uploads/{name:path}",
    operation_id="get_upload",
    summary="Get an upload",
    responses=problems(UploadNotFoundError, StorageFailedError),
)
async def get_upload(state: State, caller: Caller, upload_id: UploadId) -> UploadView:
    """Name and size of the upload. Only jobs can read the content."""
    upload = await state.service.get_upload(caller, upload_id)
    return UploadView(id=upload.id, name=upload.name, size=upload.size)


@router.delete(
    "/uploads/{name:path}",
    operation_id="delete_upload",
    summary="Delete an upload",
    status_code=204,
    response_description="The file is deleted",
    responses=problems(UploadNotFoundError, JobLiveError, StorageFailedError),
)
async def delete_upload(state: State, caller: Caller, upload_id: UploadId) -> Response:
    """Deletes an upload that no queued or running job reads. Otherwise it is deleted at the end of its retention."""
    await state.service.delete_upload(caller, upload_id)
    return Response(status_code=204)


async def _receive(request: Request, state: State, caller: Caller, name: str | None) -> UploadView:
    state.service.check_open()
    async with receiving(request, state, caller.owner, name=name) as received:
        for field in received.fields:
            raise wrong_field(field, f"Unknown field; the form has one field, `{FILE_FIELD}`")
    return UploadView(id=received.id, name=received.name, size=received.size)
