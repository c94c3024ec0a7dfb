// Files that a page brings in: those of what was dropped, their names with folders, and how they are sent.

/** What the studio answers; a refusal is thrown as {message, hint}. */
export async function post(address, body) {
  const answer = await fetch(address, { method: "POST", body });
  if (!answer.ok) throw await answer.json();
  return answer.json();
}

/** The name of a file with its folders. */
export function pathOf(file) { return file.path_ ?? (file.webkitRelativePath || file.name); }

/** What they are called together: the folder, or the first file. */
export function nameOf(file) { return pathOf(file).split("/")[0]; }

/** The files of what was dropped, those in folders, too. */
export async function dropped(given) {
  const entries = [...given.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  while (entries.length) {
    const entry = entries.shift();
    if (entry.isFile) {
      const file = await new Promise((done, failed) => { entry.file(done, failed); });
      file.path_ = entry.fullPath.replace(/^\//, "");
      found.push(file);
    } else {
      const reader = entry.createReader();
      for (let part; (part = await new Promise((done, failed) => { reader.readEntries(done, failed); })).length;) entries.push(...part);
    }
  }
  return found;
}
