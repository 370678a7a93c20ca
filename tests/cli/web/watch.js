// Stands before the page's worker.js in this test: counts what the engine makes on its device, and tells it with the size
// of the engine's memory when it is asked.

const counted = { createBuffer: 0, createComputePipeline: 0, createBindGroup: 0 };
for (const name of Object.keys(counted)) {
  const make = GPUDevice.prototype[name];
  GPUDevice.prototype[name] = function counting(...given) {
    counted[name] += 1;
    return make.apply(this, given);
  };
}
let memory;
const instantiate = WebAssembly.instantiateStreaming;
WebAssembly.instantiateStreaming = async (...given) => {
  const made = await instantiate(...given);
  memory = made.instance.exports.memory;
  return made;
};
const watching = new BroadcastChannel('watch');
watching.onmessage = () => watching.postMessage({ ...counted, bytes: memory.buffer.byteLength });

