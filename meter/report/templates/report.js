const gallery = document.querySelector(".gallery");
const controls = document.querySelector(".filters");
if (gallery && controls) {
  const cards = [...gallery.children];
  const chosen = {};
  const apply = () => {
    let shown = 0;
    for (const card of cards) {
      const fits = Object.entries(chosen).every(([key, value]) => value === "" || card.dataset[key] === value);
      card.hidden = !fits;
      shown += fits;
    }
    controls.querySelector("output").textContent = `${shown} of ${cards.length} shown`;
  };
  for (const button of controls.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const { key, value } = button.dataset;
      chosen[key] = value;
      for (const other of controls.querySelectorAll(`button[data-key="${key}"]`)) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      apply();
    });
  }
  controls.hidden = false;
  apply();
}
