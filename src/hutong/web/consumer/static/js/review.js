// Writing a review: pictures are seen before they are sent, made smaller on the phone, and can be dropped again.
// Without this the form sends what was chosen, as it is.
const form = document.querySelector("form[data-review]");
const LONG = 2000, HEAVY = 1_200_000;

// A picture as the phone will send it: at most LONG pixels, upright. Whatever cannot be read here goes as it is.
const lighter = async (file) => {
  if (file.size < HEAVY || !self.createImageBitmap) return file;
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONG / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.86));
    return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
  } catch { return file; }
};

if (form && self.DataTransfer) {
  const input = form.querySelector("input[type=file]"), add = input.closest(".shot-add"), shots = form.querySelector("[data-shots]");
  const most = Number(form.dataset.most);
  let chosen = [];
  const kept = () => shots.querySelectorAll("input[name=kept]:checked").length;
  const draw = () => {
    for (const old of shots.querySelectorAll(".shot[data-new]")) { URL.revokeObjectURL(old.firstChild.src); old.remove(); }
    const files = new DataTransfer();
    chosen.forEach((file, n) => {
      files.items.add(file);
      const shot = document.createElement("div"), picture = document.createElement("img"), drop = document.createElement("button");
      shot.className = "shot";
      shot.dataset.new = "";
      picture.src = URL.createObjectURL(file);
      picture.alt = "";
      picture.width = picture.height = 96;
      drop.type = "button";
      drop.className = "shot-drop";
      drop.setAttribute("aria-label", form.dataset.remove.replace("%", kept() + n + 1));
      drop.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${add.querySelector("use").getAttribute("href").split("#")[0]}#x"/></svg>`;
      drop.addEventListener("click", () => { chosen = chosen.filter((one) => one !== file); draw(); });
      shot.append(picture, drop);
      add.before(shot);
    });
    input.files = files.files;
    add.hidden = kept() + chosen.length >= most;
  };
  input.addEventListener("change", async () => {
    const fresh = [...input.files].filter((file) => !chosen.includes(file)).slice(0, most - kept() - chosen.length);
    chosen = chosen.concat(await Promise.all(fresh.map(lighter)));
    draw();
  });
  shots.addEventListener("change", (event) => { if (event.target.name === "kept") draw(); });
}

// How many characters there are, once it matters.
const area = form?.querySelector("textarea[data-count]");
if (area) {
  const counted = document.createElement("span");
  counted.className = "counted";
  area.closest(".words-box").append(counted);
  const say = () => { const most = area.maxLength; counted.textContent = area.value.length > most * 0.8 ? `${area.value.length}/${most}` : ""; };
  area.addEventListener("input", say);
  say();
}
