// The last run's checkpoint, kept in the browser's own files, so that a page that was closed goes on.

const NAME = 'last.safetensors';

export async function keep(bytes) {
  const folder = await navigator.storage.getDirectory();
  const file = await folder.getFileHandle(NAME, { create: true });
  const stream = await file.createWritable();
  await stream.write(bytes);
  await stream.close();
}

/** The bytes, or null where there are none. */
export async function kept() {
  try {
    const folder = await navigator.storage.getDirectory();
    const file = await (await folder.getFileHandle(NAME)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    return null;
  }
}
