// Where pictures are drawn, bright on black as the data is: with a pointer, or by keys.

export class Drawing {
  #canvas;
  #context;
  #last = null;
  /** Where keys draw, which the pen shows. */
  #cursor = [140, 140];
  #pen;

  constructor(canvas, pen) {
    this.#canvas = canvas;
    this.#pen = pen;
    this.#context = canvas.getContext('2d');
    this.clear();
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#line(this.#place(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      if (event.buttons) this.#line(this.#place(event));
    });
    canvas.addEventListener('pointerup', () => { this.#last = null; });
    canvas.addEventListener('blur', () => { pen.hidden = true; });
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  clear() {
    this.#context.fillStyle = '#000';
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#last = null;
  }

  #place({ offsetX, offsetY }) {
    const scale = this.#canvas.width / this.#canvas.clientWidth;
    return [offsetX * scale, offsetY * scale];
  }

  #line(to) {
    Object.assign(this.#context, { strokeStyle: '#fff', lineWidth: 18, lineCap: 'round', lineJoin: 'round' });
    this.#context.beginPath();
    this.#context.moveTo(...(this.#last ?? to));
    this.#context.lineTo(...to);
    this.#context.stroke();
    this.#last = to;
  }

  #key(event) {
    const steps = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10], ' ': [0, 0] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const within = (value) => Math.max(0, Math.min(this.#canvas.width, value));
    this.#cursor = [within(this.#cursor[0] + step[0]), within(this.#cursor[1] + step[1])];
    if (event.key === ' ') this.#last = this.#last ? null : this.#cursor;
    if (this.#last) this.#line(this.#cursor);
    const [left, top] = this.#cursor.map((value) => `${100 * value / this.#canvas.width}%`);
    Object.assign(this.#pen.style, { left, top });
    this.#pen.hidden = false;
  }

  /** The drawing as a PNG's bytes. */
  async bytes() {
    const blob = await new Promise((resolve) => { this.#canvas.toBlob(resolve, 'image/png'); });
    return new Uint8Array(await blob.arrayBuffer());
  }
}
