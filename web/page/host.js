// What the engine calls in its worker (web/src/host.rs).

/** The request under way: its JSON, its files' bytes, and whether it is to stop. */
export const present = { id: 0, json: '', files: [], stopped: false, panic: '' };

export function request() {
  return present.json;
}

export function file(number) {
  const bytes = present.files[number];
  present.files[number] = null;
  return bytes;
}

export function stopped() {
  return present.stopped;
}

export function panicked(message) {
  present.panic = message;
}

export function post(kind, json, bytes) {
  const message = { id: present.id, kind, ...JSON.parse(json), bytes };
  self.postMessage(message, bytes.length ? [bytes.buffer] : []);
}
