"use strict";

const element = (id) => document.getElementById(id);

// What an outcome means to whoever has to decide what to do with the file (docs/verify.md).
const MEANINGS = {
  whole: ["whole", "Yes: it is whole and unchanged", "It is exactly the file that this server made. You can use it."],
  not_whole: ["wrong", "No: do not use this file", "It is not what this server made. Download the export again, and ask whoever sent you this file how they got it."],
  whole_by_unchecked_manifest: ["unsure", "It agrees with its manifest, which nobody has checked", "Nothing says whose the manifest is."],
  unknown: ["unsure", "That can't be told", ""],
  encrypted: ["unsure", "It is encrypted", ""],
};

let file = null;

function choose(chosen) {
  file = chosen;
  element("chosen").textContent = chosen ? `${chosen.name} (${size(chosen.size)})` : "Drop the file here, or choose it";
}

const size = (bytes) => new Intl.NumberFormat("en", { style: "unit", unit: "byte", unitDisplay: "long" }).format(bytes);
const number = (value) => new Intl.NumberFormat("en").format(value);

function show(kind, title, advice) {
  element("result").className = kind;
  element("outcome").textContent = title;
  element("advice").textContent = advice;
  for (const id of ["findings", "facts", "checked", "changes"]) element(id).replaceChildren();
  element("rows").tBodies[0].replaceChildren();
  element("more").hidden = true;
  element("result").hidden = false;
  element("result").focus();
}

function item(text) {
  const made = document.createElement("li");
  made.textContent = text;
  return made;
}

function fact(name, value) {
  if (value === null || value === undefined) return;
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  element("facts").append(term, description);
}

const SIGNATURES = {
  valid: "valid, by a key of this server",
  "unknown key": "by a key that this server does not know",
  wrong: "wrong",
  none: "none",
};
const SOURCES = { given: "the one you gave", record: "on record on this server", file: "in the file" };

function report(found) {
  const [kind, title, advice] = MEANINGS[found.outcome] ?? ["unsure", found.outcome, ""];
  show(kind, title, found.unknown ? `${found.unknown[0].toUpperCase()}${found.unknown.slice(1)}.` : advice);
  element("findings").append(...found.findings.map((finding) => item(finding.message)));
  fact("file", `${found.file} (${size(found.bytes)})`);
  fact("customer", found.customerId);
  fact("export", found.exportId);
  fact("format", found.format);
  fact("manifest", SOURCES[found.manifestFrom]);
  if (found.manifestFrom) fact("signature", SIGNATURES[found.signature.state] ?? found.signature.state);
  element("checked").append(...found.checked.map(item));
  element("changes").append(...(found.changes.length ? found.changes : ["Nothing, as far as its manifest tells"]).map(item));
  for (const [section, rows] of Object.entries(found.rows)) {
    const row = element("rows").tBodies[0].insertRow();
    row.insertCell().textContent = section;
    row.insertCell().textContent = number(rows);
  }
  element("rows").hidden = Object.keys(found.rows).length === 0;
  element("sha256").textContent = found.sha256;
  element("more").hidden = false;
}

async function check(event) {
  event.preventDefault();
  const token = element("token").value.trim();
  if (!file) return show("unsure", "Choose a file first", "");
  if (!token) return show("unsure", "Your access token is missing", "Whoever runs this server gives you one.");
  const form = new FormData();
  form.append("file", file);
  const manifest = element("manifest").files[0];
  if (manifest) form.append("manifest", manifest);
  const exportId = element("export").value.trim();
  const query = exportId ? `?${new URLSearchParams({ exportId })}` : "";
  element("submit").disabled = true;
  element("progress").hidden = false;
  try {
    const answer = await fetch(`/api/admin/exports/verify${query}`, {
      method: "POST",
      body: form,
      headers: { Authorization: `Bearer ${token}` },
    });
    const found = await answer.json();
    if (answer.ok) report(found);
    else show("unsure", "The file was not checked", found.error);
  } catch {
    show("unsure", "The file was not checked", "The server did not answer, or the file could not be read. Try again.");
  } finally {
    element("submit").disabled = false;
    element("progress").hidden = true;
  }
}

element("form").addEventListener("submit", check);
element("file").addEventListener("change", (event) => choose(event.target.files[0] ?? null));
for (const name of ["dragenter", "dragover"]) {
  element("drop").addEventListener(name, (event) => {
    event.preventDefault();
    element("drop").classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  element("drop").addEventListener(name, () => element("drop").classList.remove("over"));
}
element("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  element("file").files = event.dataTransfer.files;
  choose(event.dataTransfer.files[0]);
});
