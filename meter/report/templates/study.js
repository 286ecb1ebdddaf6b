const study = JSON.parse(document.getElementById("study").textContent);
const part = (id) => document.getElementById(id);
const SHELF = `meter-study-${study.study}`;
const SIDES = { left: "Left", tie: "No difference", right: "Right" };

// What the browser keeps: who rates now, and every rater's sheet, place, answers and seconds by trial.
let kept = { current: null, raters: {} };
try {
  kept = JSON.parse(localStorage.getItem(SHELF)) ?? kept;
} catch {
  // Nothing usable is stored: the study begins anew, and keep() says whether the browser stores at all.
}
const keep = () => {
  try {
    localStorage.setItem(SHELF, JSON.stringify(kept));
  } catch {
    part("unkept").hidden = false;
  }
};

const mine = () => kept.raters[kept.current];
const sheet = () => study.sheets[mine().sheet];
const answersOf = (trial) => (mine().answers[trial] ??= {});
const openQuestions = (trial) => sheet()[trial].asked.filter((question) => !Object.hasOwn(answersOf(trial), question));
const numAnswered = () => sheet().filter((_, trial) => openQuestions(trial).length === 0).length;

let shownAt = 0;
const countSeconds = () => {
  const now = performance.now();
  const { at, seconds } = mine();
  if (at < sheet().length) seconds[at] = (seconds[at] ?? 0) + (now - shownAt) / 1000;
  shownAt = now;
};

const show = (id) => {
  for (const screen of ["welcome", "rating", "thanks"]) part(screen).hidden = screen !== id;
};

const fieldset = (question, trial) => {
  const { text, hint } = study.questions[question];
  const { feature } = sheet()[trial];
  const reader = feature === null ? "this user" : `this user, who asks about “${feature}”`;
  const field = document.createElement("fieldset");
  const legend = document.createElement("p");
  legend.id = `ask-${question}`;
  legend.textContent = text.replace("{reader}", () => reader);
  legend.append(Object.assign(document.createElement("small"), { textContent: hint }));
  const choice = Object.assign(document.createElement("div"), { className: "answer" });
  choice.setAttribute("role", "radiogroup");
  choice.setAttribute("aria-labelledby", legend.id);
  for (const [value, name] of Object.entries(SIDES)) {
    const input = Object.assign(document.createElement("input"), { type: "radio", name: question, value });
    input.checked = answersOf(trial)[question] === value;
    const label = document.createElement("label");
    label.append(input, Object.assign(document.createElement("span"), { textContent: name }));
    choice.append(label);
  }
  field.append(legend, choice);
  field.dataset.question = question;
  return field;
};

const tellProgress = () => {
  const { at } = mine();
  const open = openQuestions(at);
  for (const field of part("questions").children) field.classList.toggle("turn", field.dataset.question === open[0]);
  part("progress").value = numAnswered() / sheet().length;
  part("next").disabled = open.length > 0;
  part("open").textContent = open.length > 0 ? `${open.length} still to answer` : "";
};

const showTrial = () => {
  const { at } = mine();
  if (at >= sheet().length) {
    part("done").textContent = `All ${sheet().length} pairs are answered. One thing is left: save your answers as a file.`;
    show("thanks");
    return;
  }
  const trial = sheet()[at];
  for (const side of ["left", "right"]) {
    part(side).replaceChildren(part(`card-${trial[side]}`).content.cloneNode(true));
  }
  part("place").textContent = `Pair ${at + 1} of ${sheet().length}`;
  part("who").textContent = kept.current;
  part("questions").replaceChildren(...trial.asked.map((question) => fieldset(question, at)));
  part("back").disabled = at === 0;
  part("next").textContent = at + 1 === sheet().length ? "Finish" : "Next";
  tellProgress();
  show("rating");
};

const goTo = (place) => {
  countSeconds();
  mine().at = place;
  keep();
  showTrial();
  scrollTo(0, 0);
};

const answer = (question, side) => {
  answersOf(mine().at)[question] = side;
  countSeconds();
  keep();
  tellProgress();
};

// A spreadsheet takes a cell that begins so for a formula.
const cell = (value) => {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const answersFile = () => {
  const rows = [["study", "rater", "sheet", "trial", "question", "answer", "seconds"]];
  sheet().forEach(({ asked }, trial) => {
    for (const question of asked) {
      const side = answersOf(trial)[question];
      const seconds = (mine().seconds[trial] ?? 0).toFixed(1);
      if (side) rows.push([study.study, kept.current, mine().sheet + 1, trial + 1, question, side, seconds]);
    }
  });
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
};

const save = () => {
  const address = URL.createObjectURL(new Blob([answersFile()], { type: "text/csv" }));
  const name = `answers-${kept.current.replaceAll(" ", "_")}.csv`;
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
};

part("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  const rater = part("rater").value.trim();
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(rater)) {
    part("fault").textContent = "An id begins with a letter or digit, and goes on with letters, digits, spaces, dots, - or _.";
    return;
  }
  const chosen = Number(part("number").value) - 1;
  if (!Object.hasOwn(kept.raters, rater)) kept.raters[rater] = { sheet: chosen, at: 0, answers: {}, seconds: {} };
  if (kept.raters[rater].sheet !== chosen) {
    part("fault").textContent = `${rater} has begun sheet ${kept.raters[rater].sheet + 1} in this browser; choose it to go on.`;
    return;
  }
  kept.current = rater;
  keep();
  shownAt = performance.now();
  showTrial();
});
part("questions").addEventListener("change", ({ target }) => answer(target.name, target.value));
part("questions").addEventListener("submit", (event) => event.preventDefault());
part("next").addEventListener("click", () => goTo(mine().at + 1));
part("back").addEventListener("click", () => goTo(mine().at - 1));
part("again").addEventListener("click", () => goTo(0));
part("save").addEventListener("click", save);
part("save-early").addEventListener("click", save);
part("other").addEventListener("click", () => {
  kept.current = null;
  keep();
  part("begin").reset();
  part("fault").textContent = "";
  show("welcome");
});
document.addEventListener("keydown", (event) => {
  if (part("rating").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const side = { 1: "left", 2: "tie", 3: "right" }[event.key];
  const [question] = openQuestions(mine().at);
  if (side && question) {
    part("questions").querySelector(`input[name="${question}"][value="${side}"]`).click();
  } else if (event.key === "Enter" && !event.target.closest("#rating button") && !question) {
    part("next").click();
  }
});

const sheetInAddress = Number(location.hash.slice(1));
if (study.sheets[sheetInAddress - 1]) {
  part("number").options[sheetInAddress - 1].defaultSelected = true;
  part("number").selectedIndex = sheetInAddress - 1;
}
shownAt = performance.now();
if (kept.current !== null && Object.hasOwn(kept.raters, kept.current)) showTrial();
else show("welcome");
