// Does with the page, in a frame, what a visitor would; sends what came of it to the test.

const frame = document.querySelector('iframe');
const at = (id) => frame.contentDocument.getElementById(id);
const DATA = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'];
const facts = {};
const watch = new BroadcastChannel('watch');
let saved;

const sleep = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
const send = (name, body) => fetch(`/sent/${name}`, { method: 'POST', body });

async function until(test, what) {
  for (const began = performance.now(); performance.now() - began < 500_000; await sleep(5)) {
    if (test()) return;
  }
  throw new Error(`in vain: ${what}; the page says '${at('message')?.textContent}', '${at('state')?.textContent}'`);
}

const idle = (what) => until(() => frame.contentDocument.body.dataset.busy === '', what);

async function loaded() {
  const began = performance.now();
  await until(() => frame.contentDocument?.body?.dataset.ready || at('missing')?.hidden === false, 'the page is ready');
  if (!at('missing').hidden) throw new Error(at('lacks').textContent);
  facts.ready_seconds ??= (performance.now() - began) / 1000;
  frame.contentWindow.HTMLAnchorElement.prototype.click = () => {};
  frame.contentWindow.URL.createObjectURL = (blob) => { saved = blob; return ''; };
  frame.contentWindow.URL.revokeObjectURL = () => {};
}

async function reload() {
  frame.contentDocument.body.dataset.ready = '';
  await new Promise((resolve) => {
    frame.addEventListener('load', resolve, { once: true });
    frame.contentWindow.location.reload();
  });
  await loaded();
}

/** Gives the page files of a folder; `instead` is where that of a name is taken from. */
async function give(folder, names, instead = {}) {
  const transfer = new DataTransfer();
  for (const name of names) {
    const bytes = await (await fetch(instead[name] ?? `/${folder}/${name}`)).arrayBuffer();
    transfer.items.add(new File([bytes], name));
  }
  at('files').files = transfer.files;
  at('files').dispatchEvent(new Event('change'));
  await idle(names[0]);
}

/** What must succeed. */
async function well(task, what) {
  await task();
  if (!at('message').hidden) throw new Error(`${what}: ${at('message').textContent}`);
}

async function press(id) {
  if (at(id).disabled) throw new Error(`${id} is disabled`);
  at(id).click();
  await idle(id);
}

async function kept() {
  const folder = await navigator.storage.getDirectory();
  return (await folder.getFileHandle('last.safetensors')).getFile();
}

function set(values) {
  for (const [id, value] of Object.entries(values)) at(id).value = value;
}

async function begin(values) {
  await well(() => give('data', DATA), 'data');
  await well(() => give('scratch', ['tiny.toml']), 'tiny.toml');
  set(values);
}

async function save(kind) {
  await well(async () => {
    frame.contentDocument.querySelector(`[data-save=${kind}]`).click();
    await idle(kind);
  }, kind);
  await send(`saved.${kind}`, saved);
}

async function hostile() {
  const names = await (await fetch('/list.json')).json();
  const messages = [];
  for (const name of names) {
    if (name.startsWith('idx/')) {
      const place = name.length % DATA.length;
      await give('data', DATA, { [DATA[place]]: `/corpus/${name}` });
    } else {
      await give('corpus', [name]);
    }
    messages.push([name, at('message').hidden ? '' : at('message').textContent]);
  }
  facts.hostile = messages;
}

/** How much the engine has, as watch.js says. */
function watched() {
  return new Promise((resolve) => {
    watch.onmessage = ({ data }) => resolve(data);
    watch.postMessage('');
  });
}

/** Trains, and tells how long the page was blocked, and what the engine had after two epochs and after twenty. */
async function unblocked() {
  const long = [];
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration)));
  observer.observe({ type: 'longtask' });
  const memory = [];
  at('train').click();
  for (const epoch of [2, 20]) {
    await until(() => (at('history').tBodies[0]?.rows.length ?? 0) >= epoch, `epoch ${epoch}`);
    memory.push(await watched());
  }
  if (frame.contentDocument.body.dataset.busy === '') throw new Error('the run was over too soon');
  await well(() => idle('train'), 'train');
  observer.disconnect();
  return { long, memory };
}

async function training() {
  await begin({ batch: 32, epochs: 40, seed: 7 });
  Object.assign(facts, await unblocked());
  await send('whole', await kept());
  await well(() => press('evaluate'), 'evaluate');
  facts.verdict = at('verdict').textContent;
  facts.grid = at('grid').children.length;
  facts.report = at('report').textContent;
  facts.confusion = [...at('confusion').tBodies[0].rows].map((row) => [...row.cells].slice(1).map((cell) => Number(cell.textContent)));
  for (const kind of ['safetensors', 'onnx', 'keras']) await save(kind);
  at('drawing').dispatchEvent(new PointerEvent('pointermove', { buttons: 1, clientX: 50, clientY: 50 }));
  await well(() => press('ask'), 'ask');
  facts.answers = at('answer').tBodies[0].rows.length;
}

async function pausing() {
  await begin({ batch: 32, epochs: 40, seed: 7 });
  at('train').click();
  await until(() => at('state').textContent.startsWith('Epoch'), 'an epoch');
  await well(() => press('pause'), 'pause');
  facts.paused = at('state').textContent;
  await reload();
  await well(() => press('kept'), 'kept');
  await well(() => give('data', DATA), 'data');
  await well(() => press('resume'), 'resume');
  await send('resumed', await kept());
}

async function fromDesktop() {
  await well(() => give('scratch', ['desktop.safetensors']), 'a checkpoint of the desktop');
  set({ epochs: 2 });
  await well(() => press('resume'), 'resume');
  await send('continued', await kept());
}

async function layout() {
  const widths = [];
  for (const width of [900, 360]) {
    frame.style.width = `${width}px`;
    await sleep(200);
    widths.push([frame.contentWindow.innerWidth, frame.contentDocument.documentElement.scrollWidth]);
  }
  facts.widths = widths;
  frame.style.width = '900px';
  const nameless = [...frame.contentDocument.querySelectorAll('button, input, select, textarea, canvas')].filter(
    (element) => !(element.textContent.trim() || element.labels?.length || element.ariaLabel));
  facts.nameless = nameless.map(({ id }) => id);
}

async function proof() {
  await well(() => press('selftest'), 'selftest');
  facts.selftest = at('proof').textContent;
  facts.failing = [...at('kernels').tBodies[0].rows].map(({ textContent }) => textContent).filter((text) => text.includes('FAIL'));
  set({ network: 'cnn1', batch: 64 });
  await well(() => press('bench'), 'bench');
  facts.bench = at('proof').textContent;
  await well(() => press('results'), 'results');
  facts.results = JSON.parse(await saved.text());
}

try {
  await loaded();
  facts.adapter = at('adapter').textContent;
  for (const part of [training, pausing, fromDesktop, layout, hostile, proof]) {
    const began = performance.now();
    await part();
    facts[`${part.name}_seconds`] = (performance.now() - began) / 1000;
  }
  facts.requests = frame.contentWindow.performance.getEntriesByType('resource').map(({ name }) => name);
} catch (error) {
  facts.problem = `${error.message} ${error.stack}`;
}
await send('done', JSON.stringify(facts));
