"""Executes the notebook beside it, which must come to outputs of the same kinds as those that it has.

``python execute.py --keep`` writes them into it.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).with_name("fashion_mnist.ipynb")


def kinds(notebook):
    """Of each cell with code what came of it: text, a table, a picture."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [[sorted(output.get("data", {"text": ""})) for output in cell.outputs] for cell in cells]


def main():
    kept = nbformat.read(PATH, as_version=4)
    notebook = nbformat.from_dict(kept)
    client = NotebookClient(notebook, timeout=1800, record_timing=False, coalesce_streams=True, kernel_name="python3")
    client.execute(cwd=str(PATH.parent))
    if "--keep" in sys.argv:
        notebook.metadata = kept.metadata
        nbformat.write(notebook, PATH)
    else:
        assert kinds(notebook) == kinds(kept), f"{kinds(notebook)} is not what is kept: {kinds(kept)}"


if __name__ == "__main__":
    main()
