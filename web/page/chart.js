// Curves over epochs.

/** Draws the lines, [{colour, values}], each value an epoch's; `now` is of the epoch under way. */
export function draw(canvas, lines, now) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name).trim();
  const all = lines.flatMap(({ values }) => values).concat(now ?? []).filter(Number.isFinite);
  const count = Math.max(2, ...lines.map(({ values }) => values.length + (now === undefined ? 0 : 1)));
  let [least, most] = [Math.min(...all), Math.max(...all)];
  if (!all.length) [least, most] = [0, 1];
  if (most - least < 1e-9) [least, most] = [least - 0.05, most + 0.05];
  const [left, right, top, bottom] = [44, width - 8, 8, height - 22];
  const x = (at) => left + (right - left) * at / (count - 1);
  const y = (value) => bottom - (bottom - top) * (value - least) / (most - least);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  for (let step = 0; step <= 4; step += 1) {
    const value = least + (most - least) * step / 4;
    context.fillStyle = colour('--soft');
    context.fillText(value.toFixed(3), 2, y(value));
    context.fillStyle = colour('--faint');
    context.fillRect(left, y(value), right - left, 1);
  }
  context.fillStyle = colour('--soft');
  context.fillText('1', left, height - 8);
  context.textAlign = 'right';
  context.fillText(`${count}`, right, height - 8);
  for (const { colour: name, values, live } of lines) {
    context.strokeStyle = context.fillStyle = colour(name);
    context.lineWidth = 2;
    context.beginPath();
    const points = live && now !== undefined ? [...values, now] : values;
    points.forEach((value, at) => (at ? context.lineTo(x(at), y(value)) : context.moveTo(x(at), y(value))));
    context.stroke();
    points.forEach((value, at) => context.fillRect(x(at) - 2, y(value) - 2, 4, 4));
  }
}

/** Shows an image's pixels, [H, W, C] with one channel or three. */
export function show(canvas, pixels, [height, width, channels]) {
  canvas.width = width;
  canvas.height = height;
  const data = new Uint8ClampedArray(4 * width * height);
  for (let at = 0; at < width * height; at += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      data[4 * at + channel] = pixels[at * channels + (channels === 3 ? channel : 0)];
    }
    data[4 * at + 3] = 255;
  }
  canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0);
}
