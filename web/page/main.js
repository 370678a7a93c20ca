// The page: what is asked of the engine, and what it answers shown.

import { draw, show } from './chart.js';
import { Drawing } from './drawing.js';
import { Engine, lacks } from './engine-client.js';
import { keep, kept } from './kept.js';
import { addRow, cells, confusionTable, save } from './tables.js';

const at = (id) => document.getElementById(id);
const NAMES = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'];
const OWN_FILE = 'model file';

let engine;
/** What is under way: nothing else is asked meanwhile. */
let busy = '';
const have = { data: false, run: null, network: false };
let history = [];
let live;
/** The timer that draws the curves, where one runs. */
let redraw = null;
let about = {};
/** What the model file is called. */
let modelName = 'model';
const results = { selftest: [], bench: [] };

function say(id, text) {
  at(id).textContent = text;
}

function complain(problem) {
  at('message').hidden = !problem;
  say('message', problem);
}

function buttons() {
  const idle = !busy;
  document.body.dataset.busy = busy;
  for (const button of document.querySelectorAll('button')) button.disabled = !idle;
  at('train').disabled = !(idle && have.data);
  at('resume').disabled = !(idle && have.data && have.run);
  at('pause').disabled = busy !== 'training';
  at('stop').disabled = busy !== 'proof';
  at('evaluate').disabled = !(idle && have.data && have.network);
  at('ask').disabled = !(idle && have.network);
  for (const button of document.querySelectorAll('[data-save]')) {
    button.disabled = !(idle && have.network && (button.dataset.save !== 'checkpoint' || have.run));
  }
  at('clear').disabled = false;
  at('results').disabled = !(results.selftest.length || results.bench.length);
}

/** Does one thing, and says what went wrong with it. */
async function work(name, task) {
  if (busy) return;
  busy = name;
  complain('');
  buttons();
  try {
    await task();
  } catch (error) {
    complain(error.message);
    if (error.lost) await afresh();
  } finally {
    busy = '';
    buttons();
  }
}

/** After the engine was lost, and what it had with it. */
async function afresh() {
  Object.assign(have, { data: false, run: null, network: false });
  say('data', 'No data set yet.');
  await open();
  at('kept').hidden = !(await kept());
}

async function open() {
  about = await engine.open();
  const buffer = (about.largest_buffer / 2 ** 20).toFixed(0);
  say('adapter', `${about.adapter}; buffers of up to ${buffer} MiB`);
  say('version', `gpu-fmnist ${about.version}`);
}

function curves() {
  const of = (key) => history.map((result) => result[key]).filter((value) => value !== undefined && value !== null);
  for (const key of ['loss', 'accuracy']) {
    const lines = [
      { colour: '--train', values: of(key), live: true },
      { colour: '--validation', values: of(`val_${key}`) },
    ];
    draw(at(key), lines, live?.[key]);
    const last = history.at(-1);
    at(key).setAttribute('aria-label', last ? `${key}: ${last[key].toFixed(4)} after epoch ${last.epoch}` : key);
  }
}

function tell(text) {
  say('state', text);
}

const COLUMNS = ['epoch', 'loss', 'accuracy', 'val_loss', 'val_accuracy'];

function epochRow(result) {
  return COLUMNS.map((key) => (key === 'epoch' ? result[key] : (result[key]?.toFixed(4) ?? '')));
}

function showHistory() {
  cells(at('history'), 'Epochs', COLUMNS, history.map(epochRow));
  curves();
}

/** The curves as they are soon: epochs may be shorter than it takes to draw them. */
function curvesSoon() {
  redraw ??= setTimeout(() => {
    redraw = null;
    curves();
  }, 100);
}

function took(run) {
  have.run = run;
  have.network = true;
  history = run.history;
  live = undefined;
  showHistory();
  const how = run.complete ? 'complete' : `paused in epoch ${run.epoch + 1}, after ${run.step} steps of it`;
  tell(`${run.model}: ${run.epoch} of ${run.epochs} epochs, ${how}.`);
}

function heard(message) {
  if (message.kind === 'begin') {
    history = message.history;
    tell(`${message.model} on ${message.device}: ${message.train_samples} samples to train, ${message.validation_samples} to validate.`);
    showHistory();
  } else if (message.kind === 'steps') {
    live = message;
    at('progress').value = message.samples / message.of;
    tell(`Epoch ${message.epoch}: loss ${message.loss.toFixed(4)}, accuracy ${message.accuracy.toFixed(4)}, ${message.images_per_second.toFixed(0)} images/s`);
    curvesSoon();
  } else if (message.kind === 'epoch') {
    history.push(message.result);
    live = undefined;
    at('progress').value = 1;
    addRow(at('history').tBodies[0], epochRow(message.result));
    tell(`Epoch ${message.result.epoch}: loss ${message.result.loss.toFixed(4)}, ${message.images_per_second.toFixed(0)} images/s`);
    curvesSoon();
  }
}

async function trained(command, keys) {
  took(await engine.ask(command, keys, [], heard));
  const { bytes } = await engine.ask('checkpoint');
  await keep(bytes);
}

function number(id) {
  return at(id).value === '' ? null : Number(at(id).value);
}

function begin(event) {
  event.preventDefault();
  const text = at('network').value === OWN_FILE ? at('model').value : '';
  const keys = {
    model: text ? modelName : at('network').value, text, batch_size: number('batch'), epochs: number('epochs'),
    seed: number('seed') ?? 0,
  };
  work('training', () => trained('train', keys));
}

async function take(files) {
  const pictures = files.filter(({ type }) => type.startsWith('image/'));
  if (pictures.length) {
    await ask(pictures[0].name, new Uint8Array(await pictures[0].arrayBuffer()));
    return;
  }
  const given = await Promise.all(files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));
  await load(given);
}

async function load(given) {
  const answer = await engine.ask('load', {}, given);
  if (answer.kind_of_file === 'data') {
    have.data = true;
    const [height, width, channels] = answer.shape;
    const what = answer.verified ? 'Fashion-MNIST, as published' : 'a data set';
    say('data', [`${what}: ${answer.train} samples to train, ${answer.test} to test, ${height} x ${width} x ${channels}, ${answer.classes} classes.`, ...answer.notes].join(' '));
  } else if (answer.kind_of_file === 'model') {
    at('model').value = answer.text;
    modelName = answer.model;
    at('network').value = OWN_FILE;
    ownModel();
    tell(`${answer.model}, from its file.`);
  } else if (answer.kind_of_file === 'checkpoint') {
    took(answer);
  } else {
    have.network = true;
    have.run = null;
    tell([`${answer.model}, from its file.`, ...answer.left_out].join(' '));
  }
}

function ownModel() {
  at('model-label').hidden = at('network').value !== OWN_FILE;
}

async function beside() {
  const given = [];
  for (const name of NAMES) {
    const response = await fetch(`data/${name}.gz`);
    if (!response.ok) throw new Error(`data/${name}.gz: not beside this page; put the four files into its folder data, or drop them here`);
    given.push({ name: `${name}.gz`, bytes: new Uint8Array(await response.arrayBuffer()) });
  }
  await load(given);
}

async function evaluate() {
  const answer = await engine.ask('evaluate');
  say('verdict', `Loss ${answer.loss.toFixed(4)}, accuracy ${(100 * answer.accuracy).toFixed(2)} %. Below, mistakes first.`);
  const size = answer.shape.reduce((product, extent) => product * extent, 1);
  const figures = answer.grid.map(({ label, predicted, probability, sample }, place) => {
    const figure = document.createElement('figure');
    const canvas = document.createElement('canvas');
    const caption = document.createElement('figcaption');
    const text = `${answer.names[predicted]} ${(100 * probability).toFixed(0)} %`;
    show(canvas, answer.bytes.subarray(place * size, (place + 1) * size), answer.shape);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `sample ${sample}: ${answer.names[label]}, taken for ${text}`);
    caption.textContent = label === predicted ? text : `${text}, is ${answer.names[label]}`;
    figure.className = label === predicted ? 'right' : 'wrong';
    figure.append(canvas, caption);
    return figure;
  });
  at('grid').replaceChildren(...figures);
  confusionTable(at('confusion'), answer.names, answer.confusion);
  at('report').hidden = false;
  say('report', answer.report);
}

async function ask(name, bytes) {
  const answer = await engine.ask('predict', {}, [{ name, bytes }]);
  at('seen-figure').hidden = false;
  show(at('seen'), answer.bytes, answer.shape);
  const ranking = answer.probabilities.map((part, place) => [answer.names[place], part]).sort((one, other) => other[1] - one[1]);
  cells(at('answer'), 'What it says', ['class', '%'], ranking.slice(0, 5).map(([label, part]) => [label, (100 * part).toFixed(1)]));
}

async function saveAs(kind) {
  if (kind === 'checkpoint') {
    const answer = await engine.ask('checkpoint');
    save(`${answer.model}.checkpoint.safetensors`, answer.bytes);
  } else {
    const answer = await engine.ask('export', { format: kind });
    save(`${answer.model}.${kind}`, answer.bytes);
  }
}

async function selftest() {
  const rows = [];
  const verdict = (kernel) => (kernel.failures.length ? `FAIL: ${kernel.failures[0]}` : 'pass');
  const shown = () => cells(at('kernels'), 'Kernels', ['kernel', 'cases', 'of tolerance', 'result'], rows);
  const answer = await engine.ask('selftest', {}, [], (kernel) => {
    rows.push([kernel.kernel, kernel.cases, kernel.worst.toFixed(2), verdict(kernel)]);
    say('proof', `${rows.length} kernels tested …`);
    shown();
  });
  const failed = answer.kernels.filter(({ failures }) => failures.length).length + answer.gradients.filter(({ passes }) => !passes).length;
  const all = `${answer.kernels.length} kernels and ${answer.gradients.length} gradients`;
  say('proof', answer.complete ? `${all}: ${failed ? `${failed} failed` : 'all passed'}.` : `Stopped after ${all}.`);
  results.selftest = [told(answer)];
}

async function bench() {
  say('proof', 'Comparing the first steps with the CPU path, then timing …');
  const model = at('network').value === OWN_FILE ? about.networks[0] : at('network').value;
  const answer = await engine.ask('bench', { model, batch_size: number('batch') });
  say('proof', `${answer.model}: ${answer.images_per_second.toFixed(0)} images/s, ${(1000 * answer.seconds_per_step).toFixed(1)} ms a step of ${answer.batch_size}.`);
  results.bench.push(told(answer));
}

/** An answer without what only the page needs. */
function told({ id, kind, bytes, ...rest }) {
  return rest;
}

function saveResults() {
  const { backend, device_type, ...adapter } = about.about;
  const document = {
    format: 'gpu-fmnist web', version: 1, program: about.version, user_agent: navigator.userAgent,
    adapters: [{ ...adapter, backend, device_type }], ...results,
  };
  save('gpu-fmnist-web.json', new TextEncoder().encode(JSON.stringify(document, null, 1)));
}

async function main() {
  const problem = lacks();
  if (problem) {
    say('adapter', 'No GPU can be used here.');
    say('lacks', problem);
    at('missing').hidden = false;
    return;
  }
  engine = new Engine();
  try {
    await open();
  } catch (error) {
    say('adapter', 'No GPU can be used here.');
    say('lacks', error.message);
    at('missing').hidden = false;
    return;
  }
  at('network').append(...[...about.networks, OWN_FILE].map((name) => new Option(name)));
  at('main').hidden = false;
  at('kept').hidden = !(await kept());
  const drawing = new Drawing(at('drawing'), at('pen'));
  at('network').onchange = ownModel;
  at('training').onsubmit = begin;
  at('pause').onclick = () => engine.stop();
  at('stop').onclick = () => engine.stop();
  at('resume').onclick = () => work('training', () => trained('resume', { epochs: number('epochs') }));
  at('beside').onclick = () => work('loading', beside);
  at('kept').onclick = () => work('loading', async () => load([{ name: 'last.safetensors', bytes: await kept() }]));
  at('files').onchange = ({ target }) => work('loading', () => take([...target.files]));
  at('evaluate').onclick = () => work('evaluating', evaluate);
  at('ask').onclick = () => work('asking', async () => ask('the drawing', await drawing.bytes()));
  at('clear').onclick = () => drawing.clear();
  at('selftest').onclick = () => work('proof', selftest);
  at('bench').onclick = () => work('proof', bench);
  at('results').onclick = saveResults;
  for (const button of document.querySelectorAll('[data-save]')) {
    button.onclick = () => work('saving', () => saveAs(button.dataset.save));
  }
  const over = (event, is) => {
    event.preventDefault();
    document.body.classList.toggle('over', is);
  };
  document.ondragover = (event) => over(event, true);
  document.ondragleave = (event) => over(event, false);
  document.ondrop = (event) => {
    over(event, false);
    work('loading', () => take([...event.dataTransfer.files]));
  };
  window.onresize = curves;
  matchMedia('(prefers-color-scheme: dark)').onchange = curves;
  buttons();
  curves();
  document.body.dataset.ready = 'yes';
}

main();
