// The page's side of the worker.

/** What the browser lacks to run the engine, in words; nothing where it has all. */
export function lacks() {
  if (typeof WebAssembly !== 'object' || !('Suspending' in WebAssembly)) {
    return 'This browser cannot pause WebAssembly while the GPU works (JavaScript Promise Integration).';
  }
  if (!window.isSecureContext) {
    return 'WebGPU is only there on pages that come by https, or from this machine (localhost).';
  }
  if (!navigator.gpu) {
    return 'This browser has no WebGPU, or it is switched off.';
  }
  return '';
}

/** What the browser says of its adapter; engines have no other name for it. */
async function adapterName() {
  const adapter = await navigator.gpu.requestAdapter();
  const { vendor, architecture, device, description } = adapter?.info ?? {};
  return description || [vendor, architecture, device].filter(Boolean).join(' ') || 'a GPU without a name';
}

export class Engine {
  #worker = null;
  #asked = new Map();
  #last = 0;

  constructor() {
    this.start();
  }

  /** Starts the worker, or a new one where the last was lost. */
  start() {
    this.#worker?.terminate();
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }) => this.#heard(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#lost(event.message || 'the worker cannot be started');
    };
  }

  #heard(message) {
    if (message.kind === 'lost') {
      this.#lost(message.message);
      return;
    }
    const asked = this.#asked.get(message.id);
    if (message.kind === 'answer') {
      this.#asked.delete(message.id);
      asked.resolve(message);
    } else if (message.kind === 'error') {
      this.#asked.delete(message.id);
      asked.reject(new Error(message.message));
    } else {
      asked.heard(message);
    }
  }

  #lost(message) {
    this.start();
    const all = [...this.#asked.values()];
    this.#asked.clear();
    const error = Object.assign(new Error(`the engine stopped and was started again: ${message}`), { lost: true });
    all.forEach(({ reject }) => reject(error));
  }

  /** Asks for something; `files` is of {name, bytes}, which are handed over. `heard` gets what is told meanwhile. */
  ask(command, keys = {}, files = [], heard = () => {}) {
    const id = ++this.#last;
    const request = { command, ...keys, files: files.map(({ name }) => name) };
    const bytes = files.map((file) => file.bytes);
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject, heard });
      this.#worker.postMessage({ id, request, files: bytes }, bytes.map(({ buffer }) => buffer));
    });
  }

  async open() {
    return this.ask('open', { adapter: await adapterName() });
  }

  /** Ends what is under way, as soon as it can be ended without a loss. */
  stop() {
    this.#worker.postMessage({ stop: true });
  }
}
