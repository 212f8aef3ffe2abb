// Drag and drop with progress. Without this script the form still sends the file.
const form = document.querySelector("[data-upload]");
const field = form.querySelector("input[type=file]");
const drop = form.querySelector("[data-drop]");
const bar = form.querySelector("[data-progress]");
const said = form.querySelector("[data-progress-text]");
const trouble = form.querySelector("[data-trouble]");
const button = form.querySelector("button");

function named() {
  const [file] = field.files;
  if (file) drop.querySelector("[data-drop-name]").textContent = `${file.name} (${size(file.size)})`;
}
function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let place = 0;
  for (; bytes >= 1000 && place < 3; place++) bytes /= 1000;
  return `${bytes.toFixed(place && bytes < 10 ? 1 : 0)} ${units[place]}`;
}
field.addEventListener("change", named);
for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) { field.files = event.dataTransfer.files; named(); }
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-Requested-With", "fetch");
  request.responseType = "json";
  request.upload.addEventListener("progress", (sent) => {
    bar.hidden = false;
    bar.value = sent.loaded / sent.total;
    said.textContent = `${size(sent.loaded)} / ${size(sent.total)}`;
  });
  const again = (text) => {
    said.textContent = "";
    bar.hidden = true;
    button.disabled = false;
    trouble.querySelector("[data-trouble-text]").textContent = text;
    trouble.hidden = false;
  };
  request.addEventListener("load", () => {
    const answer = request.response ?? {};
    if (request.status === 200 && answer.batch) location.assign(answer.batch);
    else again(answer.problem ?? `HTTP ${request.status}`);
  });
  request.addEventListener("error", () => again(trouble.dataset.trouble));
  const content = new FormData(form);
  button.disabled = true;
  trouble.hidden = true;
  request.send(content);
});
