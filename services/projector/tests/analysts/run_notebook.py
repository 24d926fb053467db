"""Executes a notebook and tells the test what came of it: `run_notebook.py NOTEBOOK DIRECTORY STEP`.

Its pictures go to DIRECTORY as 1.png, 2.png …; the last line printed is JSON with what the notebook's variables hold, and
where those stand who are in the harbour at STEP.
"""

import base64
import json
import pathlib
import sys

import nbformat
from nbclient import NotebookClient

TELL = """
import json
moving, ends = {}, []
for event in events:
    if event.stream == "AREA_EVENTS" and event.area == "harbor-1":
        if event.event_type == "arrived":
            moving[event.player] = event.data["segment"]
        elif event.event_type == "moved" and event.player in moving:
            moving[event.player] = event.data
        elif event.event_type == "departed":
            moving.pop(event.player, None)
for segment in moving.values():
    xs, ys = places(segment, STEP + 1)
    ends.append([int(xs[-1] // 1), int(ys[-1] // 1)])
print(json.dumps({
    "funnel": {step: int(n) for step, n in funnel.items()},
    "playing": {name: int(n) for name, n in playing.iloc[-1].items()},
    "area": area,
    "seconds": float(seconds.sum()),
    "last": ends,
}))
"""


def main(path: str, directory: str, step: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "committed without outputs"
    notebook.cells.append(nbformat.v4.new_code_cell(TELL.replace("STEP", step)))
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    pictures = [
        output.data["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    where = pathlib.Path(directory)
    where.mkdir(parents=True)
    for number, picture in enumerate(pictures, 1):
        (where / f"{number}.png").write_bytes(base64.b64decode(picture))
    told = json.loads(notebook.cells[-1].outputs[-1].text)
    print(json.dumps(told | {"pictures": len(pictures)}))


main(*sys.argv[1:])
