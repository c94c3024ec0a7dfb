"""The same sample of an exported module, in a browser, and of the Python engine."""

import base64

import numpy as np

import seqgen
from seqgen.jobs.export import ExportJob, export

RUN = """async ([address, options, plain]) => {
  const { load, stream, notes } = await import(address);
  const model = await load({ plain });
  const primer = options.primer && new Uint8Array(options.primer);
  const tokens = [...stream(model, { ...options, primer })];
  return { fast: model.network.fast, tokens: tokens.map(({ id, surprise, text }) => [id, surprise, text]),
           notes: notes(model, tokens) };
}"""
LENGTH = 150


def address_of(folder, path, precision="float32", **more):
    """The exported module of a checkpoint, as an address from which it can be imported."""
    export(ExportJob(str(path), str(folder / "model.js"), precision, **more))
    return "data:text/javascript;base64," + base64.b64encode((folder / "model.js").read_bytes()).decode()


def in_browser(chromium, folder, path, options, plain=False, precision="float32", memory=True):
    """What a page makes of a checkpoint."""
    address = address_of(folder, path, precision, memory=memory)
    page = chromium.page()
    found = page.evaluate(RUN, [address, options, plain])
    assert page.problems == []
    return found


def compared(chromium, folder, path, plain=False, precision="float32", memory=True, **how):
    """The same sample of both, token by token; what the page said, and Python's."""
    prompt, label = how.pop("prompt", None), how.pop("label", None)
    how = {"seed": 3, "length": LENGTH, "temperature": 1.0, **how}
    sample = seqgen.load(path).sample(prompt, label=label, memory=memory, **how)
    options = {**how, "seed": str(how["seed"]), "prompt": prompt or "", "label": label, "rules": how.get("rules", [])}
    found = in_browser(chromium, folder, path, options, plain, precision, memory)
    ids = [token[0] for token in found["tokens"] if token[0] >= 0]
    assert ids == sample.ids.tolist()
    assert len(ids) > 20
    np.testing.assert_allclose(
        [token[1] for token in found["tokens"][: len(ids)]], -sample.log_probabilities, atol=2e-4
    )
    return found, sample


def opened(chromium, path, **more):
    """A page that is ready."""
    page = chromium.page(**more)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    return page
