"""The exam that every file store sits: the real one and its twin."""

import asyncio

import pytest

from hutong.infra.files import MOST_BYTES, Files, LocalFiles, MemoryFiles, StoredFile
from hutong.kit.refusals import BadInput, NotFound

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture(params=["local", "memory"])
def files(request, tmp_path) -> Files:
    return LocalFiles(tmp_path / "files") if request.param == "local" else MemoryFiles()


async def test_what_was_put_is_there(files: Files):
    name = await files.put(PNG, "image/png")
    assert await files.open(name) == StoredFile(name=name, content_type="image/png", data=PNG)
    assert name.endswith(".png")
    assert files.url(name) == f"/files/{name}"


async def test_the_same_content_is_kept_once_under_one_name(files: Files):
    names = await asyncio.gather(*(files.put(PNG, "image/png") for _ in range(20)))
    assert len(set(names)) == 1
    assert (await files.open(names[0])).data == PNG


async def test_other_content_or_type_has_another_name(files: Files):
    names = {await files.put(PNG, "image/png"), await files.put(PNG, "image/jpeg"), await files.put(b"x", "image/png")}
    assert len(names) == 3


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"", "image/png"),
        (bytes(MOST_BYTES + 1), "image/png"),
        (b"<script>", "text/html"),
        (b"<svg/>", "image/svg+xml"),
        (b"x", ""),
    ],
)
async def test_what_we_do_not_keep_is_refused(files: Files, data: bytes, content_type: str):
    with pytest.raises(BadInput):
        await files.put(data, content_type)


NO_NAMES = [
    "",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "a/../b.png",
    "0" * 64,
    "0" * 64 + ".html",
    "0" * 64 + ".png/../../x",
    "0" * 64 + ".png\n",
    "../" + "0" * 64 + ".png",
    "G" * 64 + ".png",
    "0" * 64 + ".png\x00",
]


@pytest.mark.parametrize("name", [*NO_NAMES, "0" * 64 + ".png"])
async def test_what_is_not_there_or_no_name_of_ours_is_not_found(files: Files, name: str):
    with pytest.raises(NotFound):
        await files.open(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_there_is_no_address_for_what_is_no_name(files: Files, name: str):
    with pytest.raises(NotFound):
        files.url(name)


async def test_a_folder_survives_its_process_and_keeps_no_leftovers(tmp_path):
    name = await LocalFiles(tmp_path).put(PNG, "image/png")
    assert (await LocalFiles(tmp_path).open(name)).data == PNG
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [name]


async def test_a_link_out_of_the_folder_cannot_be_named(tmp_path):
    (tmp_path / "secret").write_text("secret")
    store = LocalFiles(tmp_path / "files")
    with pytest.raises(NotFound):
        await store.open("../secret")
