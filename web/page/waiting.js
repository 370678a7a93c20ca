// How the engine waits: its stack is suspended until `wake` is called (src/gpu/waiting.rs).

let resume = null;
let woken = false;

export const suspend = new WebAssembly.Suspending(() => new Promise((resolve) => {
  if (woken) {
    woken = false;
    resolve();
  } else {
    resume = resolve;
  }
}));

export function wake() {
  if (resume) {
    const resolve = resume;
    resume = null;
    resolve();
  } else {
    woken = true;
  }
}
