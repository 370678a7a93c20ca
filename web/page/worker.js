// The engine's thread. Requests are answered one after the other: while one waits for the GPU its stack is kept, and
// another would run over it.

import init from './engine.js';
import { present } from './host.js';

const ready = init().then((engine) => WebAssembly.promising(engine.perform));
let last = ready;

self.onmessage = ({ data }) => {
  if (data.stop) {
    present.stopped = true;
    return;
  }
  last = last.then(() => answer(data));
};

async function answer({ id, request, files }) {
  Object.assign(present, { id, json: JSON.stringify(request), files, stopped: false, panic: '' });
  try {
    await (await ready)();
  } catch (error) {
    self.postMessage({ id, kind: 'lost', message: present.panic || String(error) });
  }
}

ready.catch((error) => self.postMessage({ kind: 'lost', message: `the engine cannot be loaded: ${error}` }));
